"""Files of runs that were damaged or forged: each opens and can be used, or is refused by a sentence.

Every mutant follows from its number, so that a failure can be repeated by itself.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile

import numpy as np
import pytest

from emoscope.dashboard.charts.curves import other_quantities, training_curves
from emoscope.dashboard.evaluation.report import build_report
from emoscope.dashboard.evaluation.sections.exports import forms_table
from emoscope.model.errors import EmoscopeError
from emoscope.model.evaluation.votes import compare_with_votes
from emoscope.model.runs.archive import open_run_archive, pack_run
from emoscope.model.runs.exports import measured_on, read_exports
from emoscope.model.runs.files import write_json
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import Run, load_run
from emoscope.model.sharing.formats import formats_of, zip_shared
from emoscope.model.splits import by_votes
from tests.factories import make_labels, make_predictions, write_run

FOLDER_MUTANTS, ZIP_MUTANTS = 100, 80
ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 0.5, 1e308, 10**30, float("nan"), float("inf"), "", "x", "\ud800", [], {}, [[1]], {"a": [{}]},
)  # fmt: skip


def small_run(root: Path) -> Run:
    """Write a run with every file that a run can have, and votes that it can be judged by."""
    run = write_run(root, "run", n=40, epochs=3, metrics=True, robustness=True, calibration=True)
    votes = np.zeros((40, 10), np.uint8)
    votes[np.arange(40), make_labels(40, 7, 3)] = 10
    found = make_predictions(40)
    write_predictions(
        run.path, "PublicTest", Predictions(found.index, found.pixel_hash, found.label, found.probabilities, votes)
    )
    row = {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 10}
    classes = [{"name": name, **row} for name in run.info.class_names]
    write_json(run.path / "reports.json", {"other": {"classes": classes, "accuracy": 0.5, "macro_f1": None}})
    write_run(run.path / "exports", "int8", n=40, epochs=0, splits=("PublicTest",), origin="run")
    sizes = {"bytes": 9, "zipped_bytes": 8, "milliseconds": 0.5}
    write_json(run.path / "exports.json", {"machine": "m", "networks": {"float32": sizes, "int8": sizes}})
    return load_run(run.path)


def use(run: Run, number: int = 0) -> None:
    """Do with a run what pages, reports and shared files do; what it cannot tell is left out.

    Args:
        run: That can be opened.
        number: Of the mutant; says which of the splits the report is on.
    """
    steps: list[Callable[[], object]] = [
        lambda: training_curves({"run": run.history}, "Loss", axis="time", smoothing=0.5).to_json(),
        lambda: [training_curves({"run": run.history}, name).to_json() for name in other_quantities([run.history])],
        *(lambda name=name: zip_shared(run, name) for name in formats_of(run)),
        lambda: measured_on(run),
        lambda: forms_table(run, {form.variant: form for form in read_exports(run)}, "PublicTest"),
        lambda: compare_with_votes(run.predictions("PublicTest"), run.info.class_names).scalars(),
        lambda: [figures["intervals"]["accuracy"][1] for figures in run.metrics.values()],
        lambda: (run.temperature, run.abstain_below),
    ]
    steps += [
        lambda split=split: build_report([run], split).encode() for split in (*run.splits, by_votes("PublicTest"))
    ]
    for step in steps:
        try:
            step()
        except EmoscopeError as error:
            assert error.message.endswith("."), error


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """Change up to four bytes."""
    changed = bytearray(content)
    for place in rng.integers(0, len(changed), rng.integers(1, 5)):
        changed[place] = rng.integers(256)
    return bytes(changed)


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut the end off, or put it twice."""
    return content[: rng.integers(len(content))] if rng.random() < 0.8 else content + content


def with_odd_field(content: bytes, rng: np.random.Generator) -> bytes:
    """Put an odd value somewhere into a JSON file, or leave one out."""
    values = json.loads(content)
    place, parent = values, None
    while isinstance(place, dict | list) and place and (parent is None or rng.random() < 0.75):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        parent, key = place, keys[rng.integers(len(keys))]
        place = place[key]
    if parent is not None and rng.random() < 0.15:
        del parent[key]
    elif parent is not None:
        parent[key] = ODD_VALUES[rng.integers(len(ODD_VALUES))]
    return json.dumps(values).encode()


def with_odd_array(content: bytes, rng: np.random.Generator) -> bytes:
    """Change the type, shape or values of an array, or leave it out, or compress the file in another way."""
    with np.load(io.BytesIO(content)) as archive:
        arrays: dict[str, Any] = dict(archive)
    name = list(arrays)[rng.integers(len(arrays))]
    values = arrays[name]
    kinds = ["f2", "f8", "i1", "u8", ">i8", "?", "c16", "U5", "S3", "M8[s]", "O", [("a", "i4"), ("b", "f8")]]
    changes: list[Callable[[], Any]] = [
        lambda: np.zeros(values.shape, kinds[rng.integers(len(kinds))]),
        lambda: values[:, None],
        lambda: values.ravel(),
        lambda: values[0],
        lambda: values[:0],
        lambda: values[: rng.integers(1, len(values))],
        lambda: np.array(3),
        lambda: values - values.max() - 1,
        lambda: values.astype(np.float64) + 2**31,
        lambda: values.astype(np.int64) + 2**31,
        lambda: np.where(np.arange(values.size).reshape(values.shape) == 3, np.nan, values),
        lambda: values * 1e300,
        lambda: np.zeros_like(values),
        lambda: None,
    ]
    with np.errstate(all="ignore"):
        arrays[name] = changes[rng.integers(len(changes))]()
    if arrays[name] is None:
        del arrays[name]
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, **arrays)
    return recompressed(buffer.getvalue(), rng) if rng.random() < 0.2 else buffer.getvalue()


def with_odd_cell(content: bytes, rng: np.random.Generator) -> bytes:
    """Put an odd value into a cell of a CSV file, or add or leave out one."""
    lines = content.decode().splitlines()
    row = rng.integers(len(lines))
    cells = lines[row].split(",")
    odd = ["", "nan", "inf", "-1", "1e400", "x", '"', "\0", "9" * 5000, "none", "1,2"]
    cells[rng.integers(len(cells))] = odd[rng.integers(len(odd))]
    lines[row] = ",".join(cells[: rng.integers(1, len(cells) + 1)] if rng.random() < 0.2 else cells)
    return "\n".join(lines).encode()


def recompressed(content: bytes, rng: np.random.Generator) -> bytes:
    """Compress the entries of a zip in other ways."""
    methods = (ZIP_BZIP2, ZIP_LZMA, ZIP_DEFLATED)
    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(content)) as old, ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry), compress_type=methods[rng.integers(3)])
    return buffer.getvalue()


def mutated(name: str, content: bytes, rng: np.random.Generator) -> bytes:
    """Change a file of a run in one of the ways that fit its kind."""
    own = {".json": with_odd_field, ".npz": with_odd_array, ".csv": with_odd_cell}[Path(name).suffix]
    return (own, own, own, flipped, cut)[rng.integers(5)](content, rng)


def test_a_changed_file_in_a_folder_is_used_or_refused(tmp_path: Path) -> None:
    run = small_run(tmp_path)
    use(run)
    files = sorted(file for file in run.path.rglob("*.*") if file.is_file())
    refused = check_folder(run.path, files, range(FOLDER_MUTANTS))
    assert 0.1 * FOLDER_MUTANTS < refused < FOLDER_MUTANTS


def check_folder(folder: Path, files: list[Path], numbers: range) -> int:
    """Try mutants; return how many are refused when the run is opened."""
    refused = 0
    for number in numbers:
        rng = np.random.default_rng(number)
        file = files[rng.integers(len(files))]
        content = file.read_bytes()
        file.write_bytes(mutated(file.name, content, rng))
        try:
            use(load_run(folder), number)
        except EmoscopeError as error:
            assert error.message.endswith("."), error
            refused += 1
        except Exception as error:
            pytest.fail(f"mutant {number} of {file.name}: {error!r}")
        finally:
            file.write_bytes(content)
    return refused


def test_a_changed_zip_is_used_or_refused(tmp_path: Path) -> None:
    refused = check_zip(pack_run(small_run(tmp_path / "runs")), tmp_path / "session", range(ZIP_MUTANTS))
    assert 0.3 * ZIP_MUTANTS < refused < ZIP_MUTANTS
    assert not list((tmp_path / "session").glob("*"))


def check_zip(content: bytes, into: Path, numbers: range) -> int:
    """Try mutants; return how many are refused."""
    refused = 0
    for number in numbers:
        rng = np.random.default_rng(number)
        change = (flipped, cut, recompressed, with_changed_entry, with_changed_entry)[rng.integers(5)]
        try:
            run = open_run_archive(change(content, rng), into)
            use(run, number)
            shutil.rmtree(run.path)
        except EmoscopeError as error:
            assert error.message.endswith(".") and error.action, error
            refused += 1
        except Exception as error:
            pytest.fail(f"mutant {number} of the zip, {change.__name__}: {error!r}")
    return refused


def with_changed_entry(content: bytes, rng: np.random.Generator) -> bytes:
    """Change one of the files in a zip."""
    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(content)) as old, ZipFile(buffer, "w", ZIP_DEFLATED) as new:
        chosen = rng.integers(len(old.infolist()))
        for place, entry in enumerate(old.infolist()):
            data = old.read(entry)
            new.writestr(entry.filename, mutated(entry.filename, data, rng) if place == chosen else data)
    return buffer.getvalue()
