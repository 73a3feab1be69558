"""Turn a network from elsewhere into a saved run: its shape read, its conventions inferred, its predictions saved."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emoscope.model.dataset import Dataset
from emoscope.model.errors import DataError, EmoscopeError, RunError
from emoscope.model.networks.classifier import Classifier, NotFiniteError
from emoscope.model.networks.load import load_classifier
from emoscope.model.networks.onnx import open_onnx
from emoscope.model.networks.signature import Shape
from emoscope.model.runs.run import (
    KERAS_FILE,
    DatasetInfo,
    Run,
    RunInfo,
    artifacts_root,
    key_of,
    load_run,
    write_run_info,
)
from emoscope.model.runs.staging import staged
from emoscope.training.evaluation.evaluate import classify_images, evaluate_with
from emoscope.training.evaluation.labels import source_labels
from emoscope.training.exporting.convert import check_agreement, export_litert
from emoscope.training.foreign.class_order import NORMALIZATIONS, Conventions, find_conventions
from emoscope.training.foreign.files import bring_in
from emoscope.training.foreign.torch_files import as_onnx

TRIED_IMAGES = 1500

OpenData = Callable[[tuple[int, int], int], Dataset]


@dataclass(frozen=True)
class ImportOptions:
    """What the user knows of a network; what is None is inferred.

    Attributes:
        name: Key of the new run; by default the file's name.
        class_names: In the order of the outputs.
        normalization: One of :data:`emoscope.training.foreign.class_order.NORMALIZATIONS`.
        architecture: JSON file for HDF5 files that hold weights only.
        input_size: For networks that take any size.
        label_source: Which labels to score against, e.g. ``ferplus-majority``.
        splits: To score; all but the training split where None.
        overwrite: Whether to replace a run of the same key.
        threads: Cores to use.
    """

    name: str | None = None
    class_names: Sequence[str] | None = None
    normalization: str | None = None
    architecture: Path | None = None
    input_size: tuple[int, int] | None = None
    label_source: str = "dataset"
    splits: Sequence[str] | None = None
    overwrite: bool = False
    threads: int = 1


def import_model(file: Path, open_data: OpenData, options: ImportOptions, root: Path | None = None) -> Run:
    """Make a saved run of a network file: converted where possible, scored on the data.

    Args:
        file: ``.keras``, ``.h5``, ``.hdf5``, ``.tflite``, ``.onnx``, or TorchScript or ``.pt2`` of PyTorch.
        open_data: Loads the data at a height and width and a number of channels.
        options: What is known of the network.
        root: Folder of saved runs; the usual one where None.

    Raises:
        RunError: The network cannot be used, or a run of that key is there.
        DataError: The data cannot be used, or has no validation split to try conventions on.
    """
    key = key_of(options.name or file.stem, "imported")
    target = (root or artifacts_root()) / key
    with staged(target, options.overwrite) as folder, as_onnx(file, options.input_size) as opened:
        _fill(folder, opened, file, open_data, options)
    return load_run(target)


def _fill(folder: Path, file: Path, source: Path, open_data: OpenData, options: ImportOptions) -> None:
    shape = bring_in(file, folder, options.architecture, options.input_size)
    dataset = open_data(shape.input_size, shape.channels)
    info = RunInfo(
        name=options.name or source.stem,
        architecture="foreign",
        class_names=tuple(f"output {k}" for k in range(shape.outputs)),
        input_size=shape.input_size,
        channels=shape.channels,
        label_source=options.label_source,
        dataset=DatasetInfo(dataset.name, dict(dataset.split_sizes), dataset.fingerprint),
        parameters=shape.parameters,
        multiply_adds=shape.multiply_adds,
        licence="Unknown: ask the network's author.",
    )
    notes = [f"Imported from {source.name}."]
    if (folder / KERAS_FILE).is_file():
        notes += _convert(Run(folder, info), dataset)
    elif file.suffix.lower() == ".onnx":
        if source != file:
            notes.append("It was converted from PyTorch to ONNX.")
        notes.append("An ONNX network can be compared, but the app does not run it live.")

    def load(candidate: RunInfo) -> Classifier:
        if file.suffix.lower() == ".onnx":
            return open_onnx(file, candidate, options.threads)
        return load_classifier(Run(folder, candidate), threads=options.threads)

    found = _read_conventions(load, info, dataset, shape, options)
    normalization = found.normalization if found else str(options.normalization)
    class_names = found.class_names if found else tuple(options.class_names or ())
    if found:
        notes += _notes_on(found)
        print(found)
    config: dict[str, Any] = {
        "source_file": source.name,
        "source_sha256": _sha256(source),
        "normalization": normalization,
        "class_order": found.order if found else "given",
    }
    info = replace(
        info,
        class_names=class_names,
        normalization=NORMALIZATIONS[normalization],
        config=config,
        note=" ".join(notes),
    )
    write_run_info(folder, info)
    classifier = load(info)
    try:
        evaluate_with(classifier, Run(folder.resolve(), info), dataset, options.splits)
    finally:
        classifier.close()
    for note in notes[1:]:
        print(note)


def _convert(run: Run, dataset: Dataset) -> list[str]:
    """Write the LiteRT file and check it; return what the user should know."""
    try:
        export_litert(run)
        check_agreement(run, dataset)
        return []
    except EmoscopeError as error:
        (run.path / "model.tflite").unlink(missing_ok=True)
        return [f"It runs on Keras only, more slowly: {error.message}"]


def _read_conventions(
    load: Callable[[RunInfo], Classifier], info: RunInfo, dataset: Dataset, shape: Shape, options: ImportOptions
) -> Conventions | None:
    """Try what the user did not say; None if nothing is left to try."""
    if options.class_names and len(options.class_names) != shape.outputs:
        raise RunError(
            f"The network has {shape.outputs} outputs, but --classes names {len(options.class_names)}.",
            "Name them all, in order.",
        )
    if options.class_names and options.normalization:
        return None
    split = dataset.validation
    if split is None:
        raise DataError(
            f"{dataset.name} has no validation split to try normalisation and class order on.",
            "Name both with --normalization and --classes.",
        )
    kept, labels, names = source_labels(options.label_source, dataset, split)
    tried = np.sort(np.random.default_rng(0).permutation(len(kept))[:TRIED_IMAGES])

    def classify(normalization: str) -> np.ndarray | None:
        try:
            classifier = load(replace(info, normalization=NORMALIZATIONS[normalization]))
        except NotFiniteError:  # overflow: this normalisation is not the network's
            return None
        try:
            return classify_images(classifier, split.images[kept[tried]], normalization)
        finally:
            classifier.close()

    normalizations = (options.normalization,) if options.normalization else tuple(NORMALIZATIONS)
    return find_conventions(classify, labels[tried], names, shape.outputs, normalizations, options.class_names)


def _notes_on(found: Conventions) -> list[str]:
    notes = []
    if len(found.tried) > 1:
        notes.append(f"Normalisation {found.normalization} was chosen on validation images.")
    if found.order == "fitted":
        notes.append(
            "The order of its classes was fitted on validation images, so its figures there are a little optimistic."
        )
    elif found.order != "given":
        notes.append(f"Its class order is {found.order}, chosen on validation images.")
    if found.accuracy < found.chance + 0.05:
        notes.append(
            "It is hardly better than always predicting the commonest class: if it should be, set its conventions by "
            "--normalization and --classes."
        )
    return notes


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
