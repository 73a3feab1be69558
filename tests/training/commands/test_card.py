"""The model card says what the run's files say, and only what they can."""

import re

import numpy as np
import pytest
from sklearn.metrics import f1_score

from emoscope.model.errors import RunError
from emoscope.model.runs.files import write_json
from emoscope.model.runs.run import CARD_FILE, load_run
from emoscope.training.__main__ import main
from emoscope.training.commands.card import model_card
from tests.factories import FER7, write_run


@pytest.fixture
def saved(tmp_path):
    return write_run(tmp_path, "mine", name="Mine", n=400, class_names=FER7, robustness=True)


def rows(card: str, heading: str) -> list[list[str]]:
    """Return the body of the first table below a heading."""
    table = card.split(heading, 1)[1].split("| --- |", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:]]


def test_figures_are_those_of_the_predictions(saved):
    card, split = model_card(saved), saved.splits[0]
    found = saved.predictions(split)
    predicted = found.probabilities.argmax(1)
    assert f"Results on {split} (400 images" in card
    assert float(rows(card, "## Results")[0][1]) == pytest.approx((predicted == found.label).mean(), abs=5e-4)
    scores = dict(zip(FER7, f1_score(found.label, predicted, average=None, labels=range(7)), strict=True))
    classes = {cells[0]: float(cells[3]) for cells in rows(card, "| class | precision")}
    assert classes == pytest.approx(scores, abs=6e-4)


def test_known_confusions_are_the_largest_shares(saved):
    found = saved.predictions(saved.splits[0])
    predicted = found.probabilities.argmax(1)
    shares = {
        (a, b): ((found.label == i) & (predicted == j)).sum() / (found.label == i).sum()
        for i, a in enumerate(FER7)
        for j, b in enumerate(FER7)
        if i != j
    }
    first = rows(model_card(saved), "## Known confusions")[0]
    assert shares[first[0], first[1]] == max(shares.values())


def test_what_a_run_lacks_is_left_out(saved, tmp_path):
    card = model_card(saved)
    assert "A temperature of" not in card and "FER+ votes for the top emotion" not in card
    assert "## In poor pictures" in card
    write_json(saved.path / "calibration.json", {"temperature": 1.5})
    assert "A temperature of 1.500" in model_card(load_run(saved.path))
    bare = write_run(tmp_path, "bare", n=50, class_names=FER7)
    assert "## In poor pictures" not in model_card(bare)


def test_the_threshold_is_chosen_on_validation_only(tmp_path):
    saved = write_run(tmp_path, "mine", n=1500, accuracy=0.85, class_names=FER7, calibration=True)
    before = re.search(r"confidence of (\S+) on", model_card(saved))[1]
    file = saved.path / "predictions" / f"{saved.splits[0]}.npz"
    with np.load(file) as archive:
        arrays = dict(archive)
    arrays["label"] = (arrays["label"] + 1) % 7  # the test split is now almost all wrong
    np.savez(file, **arrays)
    assert re.search(r"confidence of (\S+) on", model_card(saved))[1] == before


def test_it_says_what_the_network_is_not_for(saved):
    assert "An expression is not an inner state" in model_card(saved)


def test_the_command_writes_the_card_beside_the_run(saved, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("EMOSCOPE_DATA", raising=False)
    monkeypatch.setattr("emoscope.training.commands.arguments.find_dataset", lambda: None)
    assert main(["card", str(saved.path)]) == 0
    assert (saved.path / CARD_FILE).read_text(encoding="utf-8").startswith("# Model card: Mine")
    assert str(saved.path / CARD_FILE) in capsys.readouterr().out


def test_a_run_without_answers_has_no_card(saved):
    for file in (saved.path / "predictions").iterdir():
        file.unlink()
    with pytest.raises(RunError, match="no saved predictions"):
        model_card(load_run(saved.path))
