"""The forms in which a run is shared, and what writes them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from emoscope.model.errors import OutputError, RunError, reason_of
from emoscope.model.runs.run import Run
from emoscope.model.sharing.class_report import report_files
from emoscope.model.sharing.curves import known_history, table_files, tensorboard_files
from emoscope.model.sharing.model_repository import repository_files


@dataclass(frozen=True)
class Format:
    """A form for another program.

    Attributes:
        title: For people.
        summary: What it holds, one sentence.
        files: Returns the content of each file by path; raises RunError where the run does not hold what it needs.
    """

    title: str
    summary: str
    files: Callable[[Run], dict[str, bytes]]


FORMATS: Mapping[str, Format] = {
    "tensorboard": Format(
        "TensorBoard", "Training and validation curves as event files: tensorboard --logdir FOLDER.", tensorboard_files
    ),
    "csv": Format("CSV", "Curves as tables, a row per epoch and a row per value, for W&B, MLflow, Excel.", table_files),
    "huggingface": Format(
        "Hugging Face", "A model repository: card with results, weights, configuration.", repository_files
    ),
    "sklearn": Format("scikit-learn", "The classification report of each split, as text and JSON.", report_files),
}


def formats_of(run: Run) -> list[str]:
    """Return the keys of the formats that a run holds enough for."""
    can = {"huggingface": run.has_network, "sklearn": bool(run.splits)}
    try:
        has_curves = bool(known_history(run))
    except RunError:
        has_curves = False
    return [name for name in FORMATS if can.get(name, has_curves)]


def write_shared(run: Run, name: str, folder: Path) -> list[Path]:
    """Write a run for another program into a new folder.

    Args:
        run: A saved run.
        name: Key of the format.
        folder: That is not there yet, or empty.

    Returns:
        The files.

    Raises:
        RunError: The run does not hold what the format needs.
        OutputError: The folder holds something, or cannot be written.
    """
    files = FORMATS[name].files(run)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"{folder} is there already.", "Name another --output.")
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({reason_of(error)}).", "Name another --output.") from error
    return [folder / path for path in files]


def zip_shared(run: Run, name: str) -> bytes:
    """Return a run for another program as a zip of one folder.

    Raises:
        RunError: The run does not hold what the format needs.
    """
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for path, content in FORMATS[name].files(run).items():
            archive.writestr(f"{shared_name(run, name)}/{path}", content)
    return buffer.getvalue()


def shared_name(run: Run, name: str) -> str:
    """Return a folder's name for a run in a format."""
    return f"{run.key.replace('/exports/', '-')}-{name}"
