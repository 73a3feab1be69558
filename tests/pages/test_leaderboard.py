"""The leaderboard's view: filter, groups, order, pins, hidden runs and notes, and what the address keeps of them."""

import pytest
from scipy.stats import ttest_ind

from emoscope.model.runs.notes import NOTES_FILE, Note, write_note
from tests.factories import write_run
from tests.made_up_faces import write_scored_run
from tests.pages.evaluation_app import checked, open_page, texts

SEEDED = {"parameters": 9, "multiply_adds": 9}


def table(page):
    return page.dataframe[0].value


def runs_of(page):
    return table(page)["Run"].tolist()


@pytest.fixture
def seeded(world, faces):
    """The three runs, and two designs trained from three seeds each."""
    for design, wrong in (("wide", 10), ("deep", 30)):
        for seed in range(3):
            config = {"design": design, "seed": seed}
            write_scored_run(world, f"{design}-{seed}", faces, wrong + seed, seed=seed, config=config, **SEEDED)
    return world


def test_it_opens_on_a_verdict(world):
    page = open_page("compare")
    verdict = page.info[0].value.replace("\\", "")
    assert "emoscope and twin are not distinguishable at n = 140" in verdict
    assert "1 of the 2 other runs cannot be told from emoscope" in texts(page)
    page = open_page("compare", hidden="twin")
    assert "emoscope is better than baseline by 17.1 points" in page.success[0].value.replace("\\", "")


def test_the_verdict_by_another_metric_names_it_and_tests_accuracy(world):
    page = open_page("compare", metric="Log loss", hidden="twin")
    assert "By log loss, emoscope leads with" in page.success[0].value
    assert "is better than baseline by 17.1 points of accuracy" in page.success[0].value


def test_one_run_has_no_verdict(world):
    page = open_page("compare", filter="twin")
    assert not page.success and not page.info


def test_seeds_fold_into_one_row_with_mean_and_spread(seeded):
    page = open_page("compare")
    assert runs_of(page) == ["wide", "emoscope", "twin", "deep", "baseline"]
    row = table(page).iloc[0]
    assert row["Runs"] == 3 and row["Accuracy %"] == round(100 * (1 - 11 / 140), 2)
    assert row["95 % interval"] == f"± {100 / 140:.2f} SD"
    assert "Runs" not in table(open_page("compare", group="Nothing"))


def test_a_folded_row_opens(seeded):
    page = open_page("compare", open="wide")
    assert runs_of(page)[:4] == ["wide", "↳ wide-0", "↳ wide-1", "↳ wide-2"]


def test_means_over_seeds_are_tested(seeded):
    page = open_page("compare", filter="e-")
    assert "Welch" not in texts(page), "one row alone"
    page = open_page("compare", hidden=["emoscope", "twin", "baseline"])
    p = ttest_ind([10, 11, 12], [30, 31, 32], equal_var=False).pvalue
    assert p < 0.001 and "Welch’s test, p < 0.001" in texts(page).replace("\\", "")


def test_rows_of_one_architecture(world):
    write_run(world, "other-1", n=50, architecture="vgg", data_seed=9)
    page = open_page("compare", group="Architecture")
    assert runs_of(page) == ["emoscope"] and table(page)["Runs"][0] == 3
    assert "Welch" not in texts(page)


def test_pinned_runs_stand_first_and_hidden_ones_not_at_all(world):
    page = open_page("compare", pinned="baseline", hidden="twin")
    assert runs_of(page) == ["★ baseline", "emoscope"]
    assert "1 hidden" in texts(page)


def test_order_by_name_and_by_cost(world):
    assert runs_of(open_page("compare", order="Name")) == ["baseline", "emoscope", "twin"]
    by_cost = open_page("compare", order="Parameters")
    assert table(by_cost)["Parameters"].is_monotonic_increasing


def test_more_metrics_stand_beside_the_first_and_are_drawn(world):
    page = open_page("compare", also=["Log loss", "Macro F1"])
    assert list(table(page))[:5] == ["Run", "Accuracy %", "95 % interval", "Log loss", "Macro F1 %"]
    charts = len(page.get("plotly_chart"))
    assert charts == len(open_page("compare").get("plotly_chart")) + 2


def test_what_is_chosen_is_in_the_address(world):
    page = open_page("compare")
    page.multiselect(key="hidden").set_value(["twin"])
    page.selectbox(key="group").set_value("Nothing")
    page.text_input(key="filter").set_value("e")
    page = checked(page.run())
    asked = [page.query_params[key] for key in ("hidden", "group", "filter")]
    assert asked == ["twin", "Nothing", "e"]


def test_notes_and_tags_are_shown_filtered_and_grouped_by(world):
    write_note(world, ["twin", "baseline"], Note(("sweep",), "second try"))
    assert table(open_page("compare"))["Tags"].tolist()[1:] == ["sweep", "sweep"]
    assert runs_of(open_page("compare", filter="sweep")) == ["twin", "baseline"]
    assert runs_of(open_page("compare", group="Tag")) == ["emoscope", "sweep"]


def test_broken_notes_are_named_and_the_runs_shown(world):
    (world / NOTES_FILE).write_text("[]")
    page = open_page("compare")
    assert NOTES_FILE in page.error[0].value and len(runs_of(page)) == 3


def test_many_runs_are_listed_and_the_first_drawn(world):
    names = [f"many-{i:02}" for i in range(25)]
    for i, name in enumerate(names):
        write_run(world, name, n=30, accuracy=0.3 + i / 100, seed=i)
    page = open_page("compare")
    assert set(names) <= set(runs_of(page))
    assert "The charts show the first 20 of 25 rows" in texts(page)
