from dataclasses import replace

from emoscope.model.runs.foreign.merge import import_results
from emoscope.model.runs.run import load_run, write_history, write_run_info
from tests.factories import write_run
from tests.pages.evaluation_app import checked, open_page, texts
from tests.paths import ROOT

ASSETS = ROOT / "tests" / "assets" / "foreign"


def test_runs_are_overlaid_and_their_settings_compared(world):
    page = open_page("training_curves")
    assert page.multiselect(key="runs").value == ["emoscope", "baseline", "twin"]
    table = page.dataframe[0].value
    assert table.loc["batch_size"].tolist() == ["64", "128", "64"]
    assert "architecture" not in table.index  # the same in all
    page.toggle(key="differences").set_value(False)
    assert "architecture" in checked(page.run()).dataframe[0].value.index


def test_runs_with_other_classes_come_last(world):
    info = load_run(world / "baseline").info
    write_run_info(world / "baseline", replace(info, class_names=(*info.class_names, "contempt")))
    page = open_page("training_curves")
    assert page.multiselect(key="runs").value == ["emoscope", "twin", "baseline"]


def test_a_link_reopens_what_was_seen(world):
    page = open_page("training_curves", quantity="Learning rate", along="Time", smoothing="0.5", log="true")
    assert page.button_group(key="quantity").value == "Learning rate"
    assert page.slider(key="smoothing").value == 0.5
    assert page.toggle(key="log").value is True
    assert page.get("plotly_chart")


def test_runs_without_readable_curves_are_named(world):
    (world / "twin" / "history.csv").write_text("loss,val_loss\n1,much\n")
    (world / "baseline" / "history.csv").unlink()
    page = open_page("training_curves")
    assert page.multiselect(key="runs").value == ["emoscope", "twin"], "one without curves waits to be asked for"
    page.multiselect(key="runs").set_value(["emoscope", "twin", "baseline"])
    page = checked(page.run())
    assert "twin/history.csv is not a table of numbers" in texts(page)
    assert "baseline has no history.csv" in texts(page)
    assert page.get("plotly_chart")  # emoscope is still drawn


def test_a_history_without_the_quantity_is_named(world):
    write_history(world / "twin", [{"loss": 1.0, "val_loss": 2.0}])
    page = open_page("training_curves", quantity="Learning rate")
    assert "twin/history.csv has no columns for learning rate" in texts(page)


def test_no_run_chosen_asks_for_one(world):
    page = open_page("training_curves")
    page.multiselect(key="runs").set_value([])
    assert "Choose at least one run" in texts(checked(page.run()))


def test_curves_of_another_program_are_drawn_with_every_metric(world):
    import_results([ASSETS / "keras_history.json"], name="theirs", root=world)
    page = open_page("training_curves", runs="theirs")
    assert page.button_group(key="quantity").options[-1] == "top2"
    page.button_group(key="quantity").set_value("top2")
    page = checked(page.run())
    assert not page.warning and page.get("plotly_chart")
    assert page.dataframe[0].value.loc["input", "theirs"] == "–"
    assert "no columns for learning rate" in texts(
        open_page("training_curves", runs="theirs", quantity="Learning rate")
    )


def test_seeds_of_a_chosen_run_are_drawn_as_a_band(world):
    for seed in range(3):
        write_run(world, f"wide-{seed}", splits=(), seed=seed, parameters=9, multiply_adds=9)
    page = open_page("training_curves", runs="wide-1")
    assert page.toggle(key="bands").value
    assert "3 seeds" in page.get("plotly_chart")[0].proto.spec
    single = open_page("training_curves", runs="wide-1", bands="false")
    assert "3 seeds" not in single.get("plotly_chart")[0].proto.spec
    assert not any(toggle.key == "bands" for toggle in open_page("training_curves", runs="twin").toggle)
