import os

import pytest

from emoscope.dashboard.ui import resources
from emoscope.model.errors import RunError
from emoscope.model.runs.files import read_json, write_json
from emoscope.model.runs.run import BrokenRun
from tests.factories import write_run


def test_runs_are_read_once_until_one_changes(runs_folder):
    [first] = resources.runs()
    assert resources.runs()[0] is first
    write_run(runs_folder, "second", n=50, splits=())
    assert [run.key for run in resources.runs()] == ["emoscope", "second"]


def test_new_figures_of_a_run_are_seen(runs_folder):
    assert resources.run("emoscope").metrics["PrivateTest"]["n"] == 200
    file = runs_folder / "emoscope" / "metrics.json"
    metrics = read_json(file)
    metrics["PrivateTest"]["n"] = 7
    write_json(file, metrics)
    assert resources.run("emoscope").metrics["PrivateTest"]["n"] == 7


def test_a_broken_run_says_why(runs_folder):
    (runs_folder / "emoscope" / "run.json").write_text("{")
    assert isinstance(resources.runs()[0], BrokenRun)
    with pytest.raises(RunError, match="cannot be read"):
        resources.run("emoscope")


def test_a_classifier_is_shared_and_replaced_with_its_file(runs_folder):
    first = resources.classifier("emoscope")
    assert resources.classifier("emoscope") is first
    os.utime(runs_folder / "emoscope" / "model.tflite", ns=(1, 1))
    assert resources.classifier("emoscope") is not first


def test_a_pipeline_puts_both_together(runs_folder):
    pipeline = resources.pipeline("emoscope", "none")
    assert pipeline.detector is resources.detector("none", True)
    assert pipeline.classifier is resources.classifier("emoscope")


def test_without_a_data_set_there_is_none(monkeypatch):
    monkeypatch.setattr(resources, "find_dataset", lambda: None)
    assert resources.dataset() is None
