"""Runs of very many classes, none of them an emotion: pages stay readable and speak of images."""

import numpy as np
import pytest

from tests.factories import write_run
from tests.pages.evaluation_app import metrics, open_page, texts

NAMES = tuple(f"kind {i:03}" for i in range(150))
SECTIONS = ("Overview", "Confusion", "ROC and PR", "Confidence", "Mistakes")


@pytest.fixture
def kinds(world):
    for seed, key in enumerate(("kinds-a", "kinds-b")):
        write_run(world, key, class_names=NAMES, n=900, accuracy=0.6 + seed / 5, seed=seed, splits=("test",))
    return world


def drawn(page, place=0):
    return page.get("plotly_chart")[place].proto.spec


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_opens(kinds, section):
    page = open_page("evaluation", run="kinds-a", section=section)
    assert not page.error and page.button_group(key="section").value == section


def test_charts_by_class_show_the_weakest_and_what_is_searched_for(kinds):
    page = open_page("evaluation", run="kinds-a")
    assert "30 of 150 classes" in texts(page)
    table = page.dataframe[0].value
    assert len(table) == 150
    best, worst = (table.sort_values("F1 %")["Class"].iloc[place] for place in (-1, 0))
    assert worst in drawn(page) and best not in drawn(page)
    assert best in drawn(open_page("evaluation", run="kinds-a", classes="Strongest"))
    searched = open_page("evaluation", run="kinds-a", **{"classes-search": [best]})
    assert best in drawn(searched) and worst not in drawn(searched)


def test_the_matrix_shows_most_errors_or_what_is_searched_for_with_its_partners(kinds):
    page = open_page("evaluation", run="kinds-a", section="Confusion")
    assert "100 of 150 classes with the most errors" in texts(page)
    page = open_page("evaluation", run="kinds-a", section="Confusion", matrix="kind 007")
    pairs = page.dataframe[0].value
    partner = pairs[pairs["True"] == "kind 007"]["Predicted"].iloc[0]
    assert "kind 007" in drawn(page) and partner in drawn(page)
    assert 2 <= np.sqrt(drawn(page).count("of all kind")) <= 6, "a row and a column for it and five partners at most"
    assert np.all(np.diff(pairs["Images"]) <= 0)


def test_two_runs_are_compared_where_they_differ_most(kinds):
    page = open_page("compare", section="Two runs", a="kinds-a", b="kinds-b", split="test")
    assert "kinds-b is better than kinds-a" in page.success[0].value.replace("\\", "")
    assert "30 of 150 classes" in texts(page)
    assert len(metrics(page)) == 5


def test_nothing_is_said_of_faces_or_emotions(kinds):
    page = open_page("evaluation", run="kinds-a")
    assert "People" not in page.button_group(key="section").options
    board = open_page("compare", split="test")
    words = (
        texts(page) + texts(board) + " ".join(board.dataframe[0].value) + " ".join(board.selectbox(key="cost").options)
    )
    assert "per image" in words
    assert "face" not in words.lower() and "emotion" not in words.lower()
    assert "People" in open_page("evaluation", run="twin").button_group(key="section").options
