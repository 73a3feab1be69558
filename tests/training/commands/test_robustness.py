"""Robustness measured on a network whose answers are known."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest

from emoscope.model.errors import DataError, RunError
from emoscope.model.evaluation.robustness import (
    CORRUPTION_NAMES,
    RobustnessRow,
    read_robustness,
    robustness_comparable,
    robustness_meta,
    summarize_robustness,
    write_robustness,
)
from emoscope.model.runs.run import load_run
from emoscope.training.commands import robustness
from emoscope.training.commands.robustness import measure_robustness, robustness_table
from tests.factories import write_run
from tests.training.made_up import make_dataset, make_run


def test_only_what_changes_the_light_hurts_a_network_that_reads_the_light(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    rows = measure_robustness(run, make_dataset(), samples=30)
    assert len(rows) == 1 + 5 * len(CORRUPTION_NAMES)
    summary = summarize_robustness(rows)
    assert summary.clean_accuracy == 1.0
    assert summary.retained["rotation"] == summary.retained["blur"] == summary.retained["low_resolution"] == 1.0
    assert summary.weakest == "brightness"
    assert summary.retained["brightness"] < 0.85
    assert read_robustness(load_run(run.path)) == rows
    assert robustness_meta(run)["samples"] == 30
    table = robustness_table(rows)
    assert "untouched 100.0 %" in table and "crop margin" in table


def test_interrupted_measurement_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, dataset = make_run(tmp_path), make_dataset()
    whole = measure_robustness(run, dataset, samples=12)
    write_robustness(run.path, whole[:20], robustness_meta(run))
    measured = []
    real = robustness.corrupt
    monkeypatch.setattr(
        robustness, "corrupt", lambda image, name, *rest: measured.append(name) or real(image, name, *rest)
    )
    assert measure_robustness(run, dataset, samples=12) == whole
    assert len(measured) == 12 * (46 - 20)
    measured.clear()
    measure_robustness(run, dataset, samples=12, seed=1, overwrite=True)  # other samples: everything anew
    assert len(measured) == 12 * 45


def test_broken_file_is_measured_again(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    measure_robustness(run, make_dataset(), samples=3)
    (run.path / "robustness.csv").write_text("corruption,severity\nnone,x\n")
    with pytest.raises(RunError, match="not a table of measurements"):
        read_robustness(run)
    assert len(measure_robustness(run, make_dataset(), samples=3)) == 46


def test_summary_is_the_share_of_the_clean_accuracy() -> None:
    rows = [RobustnessRow("none", 0, 10, 0.8, 0.7)]
    rows += [RobustnessRow("blur", s, 10, a, a) for s, a in ((1, 0.8), (2, 0.4))]
    rows += [RobustnessRow("noise", 1, 10, 0.2, 0.2)]
    summary = summarize_robustness(rows)
    assert summary.retained == pytest.approx({"blur": 0.75, "noise": 0.25})
    assert summary.mean_retained == pytest.approx(0.5)
    assert summary.weakest == "noise"


@pytest.mark.parametrize(
    "text",
    [
        "corruption,severity,n,accuracy,macro_f1\nblur,1,9,0.5,0.5\n",
        "corruption,severity,n,accuracy,macro_f1\nnone,0,9,7,1\n",
        "\x00",
    ],
)
def test_impossible_files_are_named(tmp_path: Path, text: str) -> None:
    run = write_run(tmp_path, "a", n=10)
    (run.path / "robustness.csv").write_text(text)
    with pytest.raises(RunError, match=r"a/robustness\.csv"):
        read_robustness(run)


def test_other_samples_are_not_comparable(tmp_path: Path) -> None:
    a, b = (write_run(tmp_path, key, n=10, robustness=True) for key in "ab")
    assert robustness_comparable(a, b) == ""
    write_robustness(b.path, read_robustness(b), {**robustness_meta(b), "samples": 7})
    assert "samples is 1000 and 7" in robustness_comparable(a, b)


@pytest.mark.parametrize(("split", "samples"), [("Nowhere", 5), (None, 0)])
def test_impossible_requests_are_one_sentence(tmp_path: Path, split: str | None, samples: int) -> None:
    with pytest.raises(DataError):
        measure_robustness(make_run(tmp_path), make_dataset(2), split, samples)


def test_command_prints_and_saves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    run = make_run(tmp_path)
    monkeypatch.setattr(robustness, "load_data", lambda args, info: make_dataset(4))
    parser = ArgumentParser()
    robustness.add_arguments(parser)
    assert robustness.run(parser.parse_args([str(run.path), "--samples", "6"])) == 0
    assert "mean kept" in capsys.readouterr().out
    assert np.isfinite([row.accuracy for row in read_robustness(run)]).all()
