"""Predictions of another program: a label and a predicted class per row, with or without probabilities."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.columns import Columns, columns_of_file, same_length, split_of
from emoscope.model.runs.foreign.results import Found, Reading, Samples, counted
from emoscope.model.runs.foreign.source import MISSING, Source

TRUE = (
    "y_true", "true", "true_label", "true_class", "label_true", "actual", "actual_label", "ground_truth", "gt",
    "target", "targets", "label", "labels", "truth", "reference", "expected", "y_test", "y", "emotion", "class",
)  # fmt: skip
UNMISTAKABLE = ("y_true", "true_label", "true_class", "ground_truth", "y_test")
PREDICTED = (
    "y_pred", "predicted", "prediction", "predictions", "pred", "preds", "predicted_label", "predicted_class",
    "pred_label", "label_pred", "pred_class", "output", "y_hat", "guess", "top1",
)  # fmt: skip
PROBABILITIES = (
    "probabilities", "probability", "probs", "proba", "y_prob", "y_proba", "y_probs", "y_score", "y_scores", "scores",
    "softmax", "predict_proba", "confidences", "y_pred_proba", "logits", "y_pred", "pred", "preds", "predictions",
)  # fmt: skip
IDS = ("id", "image_id", "sample_id", "image", "file", "filename", "file_name", "path", "image_path", "filepath")
_PREFIX = re.compile(
    r"(?:probability|probabilities|probs|prob|proba|score|softmax|p|confidence)[_ .:-]+(.+)", re.IGNORECASE
)
_SUFFIX = re.compile(r"(.+)[_ .:-]+(?:probability|prob|proba|score|p|confidence)", re.IGNORECASE)
ROUNDED = 0.02
"""So far from 1 a row of probabilities may sum to: figures that were rounded to two decimals."""
MOST_CLASSES = 1000


def read_samples(source: Source, reading: Reading) -> Found | None:
    """Read a table with a label and a predicted class, or a probability per class, for each sample.

    Raises:
        RunError: Columns that were named are not there, a cell is empty or no class, or probabilities are none.
    """
    asked = bool(reading.true or reading.predicted or reading.format)
    columns = columns_of_file(source)
    if columns is None:
        return None
    columns = {name: _without_one_hot(name, values) for name, values in columns.items()}
    true = _named(columns, reading.true, TRUE, source.name)
    predicted = _named(columns, reading.predicted, PREDICTED, source.name, apart=true)
    if true is None:
        if asked:
            raise _unclear(source, columns, "--true", "label")
        return None
    taken = {name for name in (true, predicted) if name}
    words = {str(cell).strip().lower() for name in taken for cell in columns[name]}
    names, scores = _probability_columns(columns, taken, words)
    if predicted is None and scores is None:
        if asked or plain_name(true) in UNMISTAKABLE:
            raise _unclear(source, columns, "--predicted", "predicted class")
        return None
    used = {name: columns[name] for name in taken} | ({} if scores is None else {"probabilities": scores})
    same_length(used, source.name)
    label_cells = _cells(columns[true], true, source.name)
    predicted_cells = _cells(columns[predicted], predicted, source.name) if predicted else None
    notes: list[str] = []
    classes = _classes(label_cells, predicted_cells, names, scores, reading.class_names, source.name)
    label = _indices(label_cells, classes, true, source.name)
    probabilities = None if scores is None else _distribution(scores, len(classes), source.name, notes)
    if predicted_cells is not None and predicted is not None:
        answers = _indices(predicted_cells, classes, predicted, source.name)
    else:
        assert probabilities is not None
        answers = probabilities.argmax(1)
    if probabilities is not None and (differing := int((probabilities.argmax(1) != answers).sum())):
        notes.append(
            f"In {counted(differing, 'row')} the most probable class is another than the predicted one; "
            "the probabilities count."
        )
        answers = probabilities.argmax(1)
    ids = _ids(columns, len(label))
    samples = Samples(classes, label, answers, probabilities, ids, reading.split or split_of(source.name))
    what = (
        f"predictions on {counted(len(label), 'sample')}, {counted(len(classes), 'class', 'classes')}, "
        f"label from {true}, predicted class {f'from {predicted}' if predicted else 'the most probable'}, "
        f"{'with' if probabilities is not None else 'without'} probabilities"
    )
    return Found(source.name, what, scored=samples, notes=tuple(notes))


def plain_name(name: str) -> str:
    """Return a column's name in lower case with ``_`` between its words."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def _named(columns: Columns, wanted: str, usual: Sequence[str], file: str, apart: str | None = None) -> str | None:
    """Return the column that was asked for, or else the one with the most usual name; None where there is none."""
    if wanted:
        if wanted not in columns:
            raise RunError(f"{file} has no column {wanted}.", f"Its columns: {_some(columns)}.")
        return wanted
    plain = {plain_name(name): name for name in columns if name != apart and columns[name].ndim == 1}
    found = next((plain[name] for name in usual if name in plain), None)
    return None if found is not None and usual is PREDICTED and _is_score(columns[found]) else found


def _is_score(values: np.ndarray) -> bool:
    """Tell whether a column holds fractions, which are no classes."""
    numbers = _numbers(values)
    return numbers is not None and bool((numbers != np.round(numbers))[np.isfinite(numbers)].any())


def _numbers(values: np.ndarray) -> np.ndarray | None:
    if values.dtype.kind == "b":
        return None
    try:
        return values.astype(np.float64)
    except (ValueError, TypeError):
        return None


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:12]) + (" …" if len(names) > 12 else "")


def _unclear(source: Source, columns: Columns, flag: str, what: str) -> RunError:
    return RunError(
        f"None of the columns of {source.name} is clearly the {what}.", f"Name it with {flag}: {_some(columns)}."
    )


def _without_one_hot(name: str, values: np.ndarray) -> np.ndarray:
    """Turn labels that are rows with a single one into class indices; leave anything else as it is."""
    if plain_name(name) not in TRUE or values.ndim != 2 or values.dtype.kind not in "fiu":
        return values
    one_hot = np.isin(values, (0, 1)).all() and (values.sum(1) == 1).all()
    return values.argmax(1) if one_hot else values


def _probability_columns(
    columns: Columns, taken: set[str], words: set[str]
) -> tuple[tuple[str, ...], np.ndarray | None]:
    """Return the classes that probability columns name, where they do, and the values, float64 (N, K).

    Args:
        columns: Of the file.
        taken: Columns of the label and the predicted class.
        words: Classes in these, in lower case: a column named as one of them holds its probability.
    """
    for name in PROBABILITIES:
        for column, values in columns.items():
            wide = values.ndim == 2 and values.shape[1] > 1 and values.dtype.kind in "fiu"
            if wide and plain_name(column) == name and column not in taken:
                scores = np.asarray(values, np.float64)
                return (), _softmax(scores) if name == "logits" else scores
    for pattern in (_PREFIX, _SUFFIX, None):
        names = {}
        for column, values in columns.items():
            match = pattern.fullmatch(column) if pattern else None
            title = match[1] if match else column if pattern is None and _is_class(column, words) else ""
            numbers = _numbers(values) if title and column not in taken and values.ndim == 1 else None
            if numbers is not None and not np.isnan(numbers).all():
                names[title] = numbers
        if len(names) > 1:
            return tuple(names), np.column_stack(list(names.values()))
    for column, values in columns.items():  # of the second of two classes
        if plain_name(column) in PROBABILITIES and column not in taken and values.ndim == 1:
            numbers = _numbers(values)
            if numbers is not None and len(numbers) and np.nanmin(numbers) >= 0 and np.nanmax(numbers) <= 1:
                return (), np.column_stack([1 - numbers, numbers])
    return (), None


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


def _is_class(column: str, words: set[str]) -> bool:
    return column.strip().lower() in words or column.strip().isdigit()


def _cells(values: np.ndarray, column: str, file: str) -> list[str]:
    """Return classes as text, whole numbers without decimals.

    Raises:
        RunError: A cell is empty.
    """
    if values.dtype.kind in "fiub":
        texts = [f"{value:.0f}" if value == np.round(value) else str(value) for value in values.tolist()]
    else:
        texts = [re.sub(r"^([+-]?\d+)\.0+$", r"\1", str(value).strip()) for value in values]
    empty = next((row for row, text in enumerate(texts) if text.lower() in (*MISSING, "nan")), None)
    if empty is not None:
        raise RunError(f"{file}: column {column} is empty in row {empty + 1:,}.", "Leave such rows out.")
    return texts


def _classes(
    label: Sequence[str],
    predicted: Sequence[str] | None,
    named: tuple[str, ...],
    scores: np.ndarray | None,
    given: tuple[str, ...],
    file: str,
) -> tuple[str, ...]:
    """Return the classes in their order: as given, as the probability columns name them, else sorted."""
    width = scores.shape[1] if scores is not None else 0
    if given:
        if width and len(given) != width:
            raise RunError(
                f"{file} has {width} probabilities per row, but {len(given)} classes were named.", "Name them all."
            )
        return given
    found = sorted({*label, *(predicted or ())})
    if len(found) > MOST_CLASSES:
        raise RunError(
            f"{file} would have {len(found):,} classes.", "Name the right columns with --true and --predicted."
        )
    whole = all(re.fullmatch(r"\d+", name) for name in found)
    if named:
        return named
    if width:
        if whole and max(map(int, found)) < width:
            return tuple(str(k) for k in range(width))
        if len(found) == width:
            return tuple(found)
        raise RunError(
            f"{file} has {width} probabilities per row and names {len(found)} classes, so their order is not known.",
            "Name the classes in the order of the probabilities with --classes.",
        )
    if whole:
        return tuple(sorted(found, key=int))
    if any(re.fullmatch(r"\d+", name) for name in found):
        raise RunError(
            f"{file} has names for classes in one column and numbers in the other.",
            "Name the classes in the order of their numbers with --classes.",
        )
    return tuple(found)


def _indices(cells: Sequence[str], classes: tuple[str, ...], column: str, file: str) -> np.ndarray:
    """Return the place of each cell among the classes, by name or by number: int64, shape (N,)."""
    places = {name: k for k, name in enumerate(classes)}
    places |= {name.lower(): k for k, name in enumerate(classes) if name.lower() not in places}
    for k in range(len(classes)):
        places.setdefault(str(k), k)
    found = [places.get(cell, places.get(cell.lower(), -1)) for cell in cells]
    wrong = next((row for row, place in enumerate(found) if place < 0), None)
    if wrong is not None:
        raise RunError(
            f"{file}: {cells[wrong][:40]!r} in column {column}, row {wrong + 1:,}, is not among {_some(classes)}.",
            "Name all classes in order with --classes.",
        )
    return np.array(found, np.int64)


def _distribution(scores: np.ndarray, classes: int, file: str, notes: list[str]) -> np.ndarray:
    """Return probabilities, float32 (N, C), from values that sum to about 1, or to about 100."""
    if scores.shape[1] != classes:
        raise RunError(
            f"{file} has {scores.shape[1]} probabilities per row for {classes} classes.", "Name them with --classes."
        )
    bad = np.flatnonzero(~np.isfinite(scores).all(1))
    if bad.size:
        raise RunError(f"{file}: a probability in row {bad[0] + 1:,} is no number.", "Leave such rows out.")
    sums = scores.sum(1)
    if (np.abs(sums / 100 - 1) <= ROUNDED).all() and len(sums):
        scores, sums = scores / 100, sums / 100
        notes.append("Its probabilities are in per cent.")
    wrong = np.flatnonzero((np.abs(sums - 1) > ROUNDED) | (scores < 0).any(1))
    if wrong.size:
        raise RunError(
            f"{file}: the probabilities of row {wrong[0] + 1:,} sum to {sums[wrong[0]]:.3g}, not to 1.",
            "Write the output of the softmax; name logits `logits`.",
        )
    if (np.abs(sums - 1) > 1e-4).any():
        notes.append("Its probabilities are rounded; each row was scaled to sum to 1.")
    return (scores / sums[:, None]).astype(np.float32)


def _ids(columns: Columns, rows: int) -> tuple[str, ...] | None:
    for column, values in columns.items():
        if plain_name(column) in IDS and values.ndim == 1 and len(values) == rows:
            texts = tuple(str(value).strip() for value in values)
            if len(set(texts)) == rows and not all(re.fullmatch(r"\d+(?:\.0)?", text) for text in texts):
                return texts
    return None
