"""Files of runs that were damaged or forged: each opens and can be used, or is refused by a sentence.

Every mutant follows from its number, so that a failure can be repeated by itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from emoscope.dashboard.charts.curves import other_quantities, training_curves
from emoscope.dashboard.evaluation.report import build_report
from emoscope.dashboard.evaluation.sections.exports import forms_table
from emoscope.model.errors import EmoscopeError
from emoscope.model.evaluation.metrics import metrics_of
from emoscope.model.evaluation.votes import compare_with_votes
from emoscope.model.runs.archive import open_run_archive, pack_run
from emoscope.model.runs.exports import measured_on, read_exports
from emoscope.model.runs.files import write_json
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import Run, load_run
from emoscope.model.sharing.formats import formats_of, zip_shared
from emoscope.model.splits import by_votes
from tests.factories import make_labels, make_predictions, write_run
from tests.reliability.mutators import cut, flipped, mutated, recompressed, with_changed_entry

FOLDER_MUTANTS, ZIP_MUTANTS = 80, 80


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
        number: Of the mutant; every third is reported on, each time on another split.
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
    splits = [*run.splits, by_votes("PublicTest")]
    steps += [lambda split=split: metrics_of(run, split, resamples=20) for split in splits]
    if number % 3 == 0:  # the slowest step
        steps.append(lambda: build_report([run], splits[number // 3 % len(splits)]).encode())
    for step in steps:
        try:
            step()
        except EmoscopeError as error:
            assert error.message.endswith("."), error


@pytest.mark.slow
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


@pytest.mark.slow
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
