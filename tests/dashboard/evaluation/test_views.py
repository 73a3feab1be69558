import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from emoscope.dashboard.evaluation import sample_grid, scores
from emoscope.dashboard.evaluation.sample_grid import Sample, locate
from emoscope.dashboard.evaluation.settings_table import by_loss, hyperparameters, loss_kind
from emoscope.dashboard.ui.chart_export import chart_config, standalone_html
from emoscope.dashboard.ui.tables import percent
from emoscope.model.dataset import Dataset, Split
from emoscope.model.runs.files import read_json, write_json
from emoscope.model.runs.run import load_run
from tests.factories import write_run
from tests.paths import ROOT


def test_pages_leave_tensorflow_out():
    """Every section's module and page is imported; none may bring TensorFlow, Keras or scikit-learn along."""
    code = (
        "import sys, pathlib, importlib\n"
        "for file in pathlib.Path('dashboard/sections').glob('[a-z]*.py'):\n"
        "    importlib.import_module('emoscope.dashboard.evaluation.sections.' + file.stem)\n"
        "import emoscope.dashboard.evaluation.run_upload, emoscope.dashboard.evaluation.scores\n"
        "print([m for m in ('tensorflow', 'keras', 'sklearn', 'training') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_figures_follow_the_predictions_not_the_stored_copy(tmp_path):
    run = write_run(tmp_path, "run", n=300, metrics=True)
    stored = read_json(run.path / "metrics.json")
    assert scores.metrics(run, "PublicTest") == stored["PublicTest"]
    stored["PublicTest"]["accuracy"] = 0.999
    write_json(run.path / "metrics.json", stored)
    assert scores.metrics(load_run(run.path), "PublicTest")["accuracy"] == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize("content", ["{", '{"PublicTest": 3}', '{"PublicTest": {"n": "many"}}'])
def test_a_spoiled_metrics_file_takes_nothing_from_the_predictions(tmp_path, content):
    run = write_run(tmp_path, "run", n=300)
    (run.path / "metrics.json").write_text(content)
    assert scores.metrics(run, "PublicTest")["n"] == 300


def test_figures_change_with_the_files(tmp_path):
    run = write_run(tmp_path, "run", n=300, accuracy=0.7)
    before = scores.metrics(run, "PublicTest")["accuracy"]
    changed = write_run(tmp_path, "run", n=301, accuracy=0.4)
    assert scores.metrics(changed, "PublicTest")["accuracy"] < before


def test_runs_share_a_test_set_whatever_they_call_their_classes(tmp_path):
    one = write_run(tmp_path, "one", n=60, class_names=("anger", "happy"))
    same = write_run(tmp_path, "same", n=60, class_names=("angry", "Happiness"), seed=5)
    assert scores.digest(one, "PublicTest").samples == scores.digest(same, "PublicTest").samples


def test_runs_share_a_test_set_whatever_the_order_of_their_classes(tmp_path):
    names = ("a", "b", "c")
    one = write_run(tmp_path, "one", n=60, class_names=names)
    same = write_run(tmp_path, "same", n=60, class_names=names, seed=5)
    other = write_run(tmp_path, "other", n=60, class_names=names, data_seed=5)
    assert scores.digest(one, "PublicTest").samples == scores.digest(same, "PublicTest").samples
    assert scores.digest(one, "PublicTest").samples != scores.digest(other, "PublicTest").samples


def dataset_of(**hashes):
    splits = {
        name: Split(
            np.zeros((len(h), 4, 4, 1), np.uint8),
            np.zeros(len(h), np.int64),
            np.array(h, np.uint64),
            np.array(["x"] * len(h)),
        )
        for name, h in hashes.items()
    }
    return Dataset("made up", ("a", "b"), splits, "0")


def test_images_are_found_by_place_then_by_pixels_and_never_wrongly():
    dataset = dataset_of(train=[1, 2, 3], test=[9, 2, 7])
    assert locate(dataset, "test", 1, 2) == ("test", 1)  # not the copy in train
    assert locate(dataset, "test", 0, 7) == ("test", 2)  # moved
    assert locate(dataset, "test", 5, 3) == ("train", 2)  # another split
    assert locate(dataset, "test", 0, 8) is None
    assert locate(dataset, "elsewhere", 0, 2**64 - 1) is None


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


def test_a_strangers_class_names_are_shown_as_text():
    parser = Tags()
    evil = '<script>alert(1)</script>" onerror="x'
    parser.feed(sample_grid._figure(Sample(np.zeros((4, 4, 1), np.uint8), evil, evil, evil)))
    assert set(parser.tags) == {"figure", "img", "figcaption", "br", "span"}


def test_hyperparameters_flatten_and_keep_only_differences(tmp_path):
    runs = {
        "a": write_run(tmp_path, "a", n=10, config={"optimizer": {"name": "adamw", "decay": 0.1}, "batch": 64}),
        "b": write_run(tmp_path, "b", n=10, config={"optimizer": {"name": "sgd"}, "batch": 64}),
    }
    table = hyperparameters(runs)
    assert table.loc["optimizer.name"].tolist() == ["adamw", "sgd"]
    assert table.loc["optimizer.decay"].tolist() == ["0.1", "–"]
    different = hyperparameters(runs, differences_only=True)
    assert "batch" not in different.index
    assert "optimizer.name" in different.index


def test_saved_chart_is_complete_and_keeps_its_ground():
    page = standalone_html(go.Figure(go.Scatter(y=[1, 2])), "#12141C").decode()
    assert "#12141C" in page
    assert "plotly.js v" in page  # the library itself is inside
    assert chart_config("curves", "SVG")["toImageButtonOptions"]["format"] == "svg"


@pytest.mark.parametrize(("share", "text"), [(0.7146, "71.5 %"), (0.0, "0.0 %"), (float("nan"), "–")])
def test_shares_are_written_in_per_cent(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("values", "decimals"), [([23.0, 74.4], 1), ([1.0, 2.0], 0), ([0.93364], 4), ([np.nan, 0.25], 2)]
)
def test_a_column_has_as_many_decimals_as_its_values_need(values, decimals):
    from emoscope.dashboard.ui.tables import _decimals

    assert _decimals(pd.Series(values)) == decimals


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({}, "cross-entropy"),
        ({"loss": "focal"}, "focal loss"),
        ({"labels": "both", "mixup": 0.2}, "cross-entropy of two heads, smoothed labels"),
        ({"teacher": ["a"], "teacher_weight": 0.5}, "labels and teachers"),
        ({"teacher": ["a", "b"], "teacher_weight": 1}, "the teachers' probabilities alone"),
    ],
)
def test_losses_of_different_kinds_are_told_apart(tmp_path, config, kind):
    run = write_run(tmp_path, "mine", n=10, config=config)
    plain = write_run(tmp_path, "plain", n=10)
    assert loss_kind(run) == kind
    assert len(by_loss({"mine": run, "plain": plain})) == (1 if kind == "cross-entropy" else 2)


def test_lists_among_the_settings_read_as_words(tmp_path):
    run = write_run(tmp_path, "mine", n=10, config={"teacher": ["one", "two"], "initial": []})
    table = hyperparameters({"mine": run})
    assert table.loc["teacher", "mine"] == "one, two"
    assert table.loc["initial", "mine"] == "–"
