"""The report is one file, holds the figures of the runs, and nothing that a run's text could smuggle in."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from emoscope.dashboard.evaluation.report import build_report
from emoscope.dashboard.evaluation.report_command import main
from emoscope.model.errors import RunError
from emoscope.model.evaluation.metrics import compute_metrics
from emoscope.model.runs.run import load_run
from tests.factories import FER7, write_run


def body(html: str) -> str:
    return html[html.index("<body>") :]


def test_report_of_a_run_holds_its_figures(tmp_path: Path) -> None:
    run = write_run(tmp_path, "mine", n=300, epochs=5, robustness=True, calibration=True)
    html = build_report([run])
    figures = compute_metrics(run.predictions("PrivateTest"), FER7)
    low, high = figures["intervals"]["accuracy"]
    assert f"{100 * figures['accuracy']:.1f} % [{100 * low:.1f}, {100 * high:.1f}]" in body(html)
    for heading in ("Scores", "Training", "mine in detail", "Robustness", "Settings"):
        assert f"<h2>{heading}" in html
    assert body(html).count("<figure>") == 12
    assert f"temperature {run.calibration['temperature']:.2f}" in html


def test_report_needs_no_network(tmp_path: Path) -> None:
    html = build_report([write_run(tmp_path, "mine", n=60, epochs=2)])
    assert html.count("plotly.js v") == 1  # the library is there, once
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", html)


def test_comparison_starts_with_the_verdict(tmp_path: Path) -> None:
    a, b = write_run(tmp_path, "a", n=400, accuracy=0.5, seed=1), write_run(tmp_path, "b", n=400, accuracy=0.8, seed=2)
    html = body(build_report([a, b], "PublicTest"))
    assert "b is better than a by" in html
    assert html.index("b is better") < html.index("<h2>Scores")
    assert "<h2>Settings that differ" in html and "<td>seed</td><td>1</td><td>2</td>" in html


def test_runs_that_must_not_be_compared_are_shown_beside_the_reason(tmp_path: Path) -> None:
    a, b = write_run(tmp_path, "a", n=50), write_run(tmp_path, "b", n=50, data_seed=9)
    html = body(build_report([a, b]))
    assert "scored on different images" in html and "is better than" not in html


def test_text_of_a_run_is_text(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    run = write_run(tmp_path, "mine", n=50, class_names=(*FER7[:6], evil), name=evil, note=evil, config={evil: evil})
    assert "<script>alert(1)" not in build_report([run])


def test_run_with_predictions_only_still_has_a_report(tmp_path: Path) -> None:
    run = write_run(tmp_path, "bare", n=20, splits=("PublicTest",), epochs=0)
    html = body(build_report([run]))
    assert "<h2>Training" not in html and "bare in detail" in html


def test_missing_predictions_are_one_sentence(tmp_path: Path) -> None:
    a, bare = write_run(tmp_path, "a", n=20), write_run(tmp_path, "bare", splits=())
    with pytest.raises(RunError, match="no predictions of a and bare on a common split"):
        build_report([a, bare])
    with pytest.raises(RunError, match="on Elsewhere"):
        build_report([a], "Elsewhere")
    with pytest.raises(RunError, match="named twice"):
        build_report([a, load_run(a.path)])


def test_command_writes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    a, b = write_run(tmp_path, "a", n=30, epochs=2), write_run(tmp_path, "b", n=30, epochs=2, seed=1)
    monkeypatch.chdir(tmp_path)
    assert main([str(a.path), str(b.path)]) == 0
    assert (tmp_path / "a-vs-b.html").stat().st_size > 1_000_000
    assert "a-vs-b.html" in capsys.readouterr().out
    (tmp_path / "file").touch()
    assert main([str(a.path), "--output", str(tmp_path / "file" / "x.html")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_training_hands_the_command_on(capfd: pytest.CaptureFixture) -> None:
    from emoscope.training.__main__ import main as training

    assert training(["report", "nothing-of-that-name"]) == 1
    assert "is not a saved run" in capfd.readouterr().err


def test_report_is_written_without_streamlit_and_tensorflow() -> None:
    code = (
        "import sys, emoscope.dashboard.evaluation.report; "
        "print([m for m in ('streamlit', 'tensorflow', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
