"""The formats that are recognised, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign import (
    json_curves,
    logged_values,
    matrices,
    mlflow,
    reports,
    sample_tables,
    table_curves,
    tensorboard,
    trackers,
    wandb_log,
)
from emoscope.model.runs.foreign.refusals import refuse
from emoscope.model.runs.foreign.results import Found, Reading
from emoscope.model.runs.foreign.source import Source

Reader = Callable[[Source, Reading], Found | None]

READERS: Mapping[str, Reader] = {
    "tensorboard": tensorboard.read_event_files,
    "mlflow": mlflow.read_folder,
    "mlflow-db": mlflow.read_database,
    "wandb": trackers.read_wandb_history,
    "wandb-log": wandb_log.read_log,
    "huggingface": json_curves.read_trainer_state,
    "report": reports.read_report_json,
    "report-text": reports.read_report_text,
    "confusion-matrix": matrices.read_matrix,
    "predictions": sample_tables.read_samples,
    "logged-values": logged_values.read_logged_values,
    "keras-history": json_curves.read_keras_history,
    "fastai": table_curves.read_fastai,
    "wandb-csv": table_curves.read_wandb_export,
    "lightning": table_curves.read_lightning,
    "csv-logger": table_curves.read_csv_logger,
}
"""Each returns None for a file of another format, and raises RunError for a broken one of its own."""

FOLDERS: tuple[Reader, ...] = (tensorboard.read_event_files, mlflow.read_folder, wandb_log.read_folder)
"""Those that read folders."""


def recognise(path: Path, reading: Reading | None = None) -> Found:
    """Read a file or folder of another program by its content.

    Args:
        path: Of the file or folder.
        reading: How to read it, where that is not to be guessed.

    Raises:
        RunError: It is of no known format, or broken; one sentence says which and what to do.
    """
    reading = reading or Reading()
    source = Source(path)
    if not path.exists():
        raise RunError(f"There is no file {path}.", "Check the path.")
    if path.is_file():
        refuse(source)
    elif not reading.format:
        for reader in FOLDERS:
            if (found := reader(source, reading)) is not None:
                return found
        raise RunError(
            f"{source.name} is a folder of no training that is recognised here.",
            "Give the folder of one run of MLflow or W&B, one with TensorBoard's event files, or single files.",
        )
    if reading.format:
        found = READERS[reading.format](source, reading)
        if found is None:
            raise RunError(
                f"{source.name} cannot be read as {reading.format}.", "Leave --as out to have it recognised."
            )
        return found
    for reader in READERS.values():
        if (found := reader(source, reading)) is not None:
            return found
    raise RunError(
        f"{source.name} is no result that is recognised here.",
        f"Name its format with --as, one of {', '.join(READERS)}.",
    )
