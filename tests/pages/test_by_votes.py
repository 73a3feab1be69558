"""Runs judged by people's votes: their own, or those that the default run holds of the same images."""

from dataclasses import replace

import numpy as np
import pytest

from emoscope.model.runs.predictions import write_predictions
from emoscope.model.runs.run import load_run, write_run_info
from tests.pages.evaluation_app import metrics, open_page, texts

VOTES = "People’s votes"


@pytest.fixture
def voted(world, faces):
    """The made-up world, where the default run's predictions hold the votes."""
    run = load_run(world / "emoscope")
    for split in run.splits:
        found = run.predictions(split)
        votes = faces.splits[split].votes[found.index].astype(np.uint8)
        write_predictions(run.path, split, replace(found, votes=votes))
    return world


def test_by_votes_the_disputed_images_count_for_what_people_said(voted):
    assert metrics(open_page("evaluation"))["Accuracy"] == "85.7 %"  # 20 of 140 wrong
    assert metrics(open_page("evaluation", labels=VOTES))["Accuracy"] == "94.3 %"  # 12 of them people call so, too


def test_a_run_without_votes_is_judged_by_those_of_the_same_images(voted):
    page = open_page("evaluation", run="baseline", labels=VOTES)
    assert metrics(page)["Accuracy"] == "77.1 %"  # 44 of 140 wrong, 12 of them people call so, too
    page = open_page("evaluation", run="baseline", labels=VOTES, section="Confusion", true="sad", predicted="surprise")
    assert not page.error


def test_a_run_that_learned_votes_opens_on_them(voted):
    run = load_run(voted / "emoscope")
    write_run_info(run.path, replace(run.info, label_source="votes"))
    assert metrics(open_page("evaluation"))["Accuracy"] == "94.3 %"
    assert metrics(open_page("evaluation", labels="Labels"))["Accuracy"] == "85.7 %"


def test_people_are_shown_beside_the_network(voted):
    page = open_page("evaluation", section="People")
    shown = metrics(page)
    assert shown["Accuracy"] == "94.3 %"
    assert shown["One person’s"] == shown["Two people’s"] == "100.0 %"  # all ten agree
    assert "140 images of PrivateTest" in texts(page) and "85.7 %" in texts(page)
    table = page.dataframe[0].value
    assert table["Images by votes"].sum() == table["Images by labels"].sum() == 140


def test_the_leaderboard_ranks_by_votes_with_the_labels_beside(voted):
    table = open_page("compare", labels=VOTES).dataframe[0].value.set_index("Run")
    assert table["Accuracy %"].to_dict() == pytest.approx({"emoscope": 94.29, "twin": 92.86, "baseline": 77.14})
    assert table["Accuracy by labels %"].to_dict() == pytest.approx(
        {"emoscope": 85.71, "twin": 84.29, "baseline": 68.57}
    )
    table = open_page("compare").dataframe[0].value.set_index("Run")
    assert table["Accuracy by votes %"].to_dict() == pytest.approx(
        {"emoscope": 94.29, "twin": 92.86, "baseline": 77.14}
    )


def test_two_runs_are_compared_by_votes(voted):
    page = open_page("compare", section="Two runs", labels=VOTES)
    assert "emoscope is better than baseline by 17.1 points of accuracy at n = 140" in texts(page)


def test_without_votes_there_is_no_choice_and_one_sentence(world):
    assert not [control for control in open_page("evaluation").segmented_control if control.label == "Judged by"]
    page = open_page("evaluation", section="People")
    assert "These images have no votes" in page.error[0].value
