import numpy as np
import pytest

from emoscope.dashboard.evaluation.conversion import converter
from emoscope.model.runs.files import write_json
from emoscope.model.runs.foreign.merge import import_results
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import load_run
from tests.factories import write_run
from tests.pages.evaluation_app import checked, open_page, texts
from tests.paths import ROOT


def add_form(run, variant: str, wrong: int, **info) -> None:
    """Write a form that gives a wrong answer on so many samples that the run is right about."""
    folder = run.path / "exports" / variant
    write_run(folder.parent, variant, splits=(), origin=run.key, config=run.info.config, **info)
    original = run.predictions("PrivateTest")
    probabilities = original.probabilities.copy()
    probabilities[:wrong] = np.roll(probabilities[:wrong], 1, axis=1)  # the run is right about the first samples
    found = Predictions(original.index, original.pixel_hash, original.label, probabilities)
    write_predictions(folder, "PrivateTest", found)
    (folder / "model.tflite").write_bytes(b"x" * 2_000_000)


@pytest.fixture
def exported(world):
    """The default run with int8 that answers like it, and float16 that errs on ten more of 140."""
    run = load_run(world / "emoscope")
    (run.path / "model.tflite").write_bytes(b"x" * 8_000_000)
    like = {"best_epoch": run.info.best_epoch, "training_seconds": run.info.training_seconds}
    add_form(run, "int8", wrong=0, **like)
    add_form(run, "float16", wrong=10, **like)
    networks = {
        "float32": {"zipped_bytes": 7_000_000, "milliseconds": 4.0},
        "int8": {"zipped_bytes": 1_000_000, "milliseconds": 2.0},
    }
    write_json(run.path / "exports.json", {"machine": "a 3 GHz core", "networks": networks})
    return run


def test_every_form_has_its_figures(exported):
    table = open_page("export").dataframe[0].value.set_index("Format")
    assert table.index.tolist() == ["LiteRT float32", "LiteRT float16", "LiteRT int8"]
    assert table["Accuracy %"].tolist() == [85.71, 78.57, 85.71]
    assert table["Change (points)"].tolist() == [0, -7.14, 0]
    assert table["Same answer %"].tolist() == [100, 92.9, 100]
    assert table["MB"].tolist() == [8, 2, 2]
    assert table.loc["LiteRT int8", "Times as fast"] == 2


def test_a_form_that_loses_more_than_a_point_is_not_offered_as_equal(exported):
    shown = texts(open_page("export"))
    assert "**LiteRT int8** :green-badge[equal]" in shown
    assert "**LiteRT float16** :orange-badge[loses 7.1 points]" in shown
    assert "a 3 GHz core" in shown


def test_every_form_can_be_downloaded(exported):
    page = open_page("export")
    assert [button.label for button in page.get("download_button") if "MB" in button.label] == [
        "Download (8.0 MB)",
        "Download (2.0 MB)",
        "Download (2.0 MB)",
    ]


def make_buttons(page):
    return {button.label: button for button in page.button if button.label.startswith("Make ")}


def test_formats_that_are_not_there_are_offered(exported):
    offered = make_buttons(open_page("export"))
    assert list(offered) == ["Make LiteRT dynamic range", "Make LiteRT web", "Make ONNX", "Make Keras HDF5"]


def test_a_run_without_its_keras_network_says_why_nothing_can_be_made(exported):
    page = open_page("export")
    make_buttons(page)["Make ONNX"].click()
    page = checked(page.run())
    assert "emoscope holds no model.keras" in page.error[0].value


@pytest.mark.slow
def test_a_format_is_made_on_demand_and_the_run_stays_as_it_is(world):
    from emoscope.model.networks.architectures import build_network, deploy

    run = load_run(world / "emoscope")
    height, width = run.info.input_size
    options = {"stem": [4, 4], "widths": [4], "blocks": [1]}
    network = build_network("residual", (height, width, run.info.channels), {"fer": 7}, **options)
    deploy(network, "fer").save(run.path / "model.keras")
    before = sorted(path.relative_to(run.path) for path in run.path.rglob("*"))

    page = open_page("export")
    make_buttons(page)["Make LiteRT float16"].click()
    page = checked(page.run())
    assert "is being converted to LiteRT float16" in page.info[0].value
    assert all(button.disabled for button in make_buttons(page).values())
    converter().latest.process.wait(timeout=240)
    page = checked(page.run())
    assert not page.error
    assert "Make LiteRT float16" not in make_buttons(page)
    [download] = [b for b in page.get("download_button") if b.key == "download-emoscope/exports/float16"]
    assert "MB" in download.label
    assert sorted(path.relative_to(run.path) for path in run.path.rglob("*")) == before


def test_a_form_of_an_earlier_training_is_left_out_and_named(exported):
    add_form(exported, "dynamic", wrong=0, training_seconds=1.0)
    page = open_page("export")
    assert "was trained again since its LiteRT dynamic range was made" in page.warning[0].value
    assert "LiteRT dynamic range" not in page.dataframe[0].value["Format"].tolist()


def test_a_pruned_run_stands_beside_its_origin(exported, world):
    pruned = load_run(world / "twin")
    write_run(
        world, "twin", splits=(), name="Emoscope, 80 % pruned", origin="emoscope", note="80 % of its weights are 0."
    )
    write_predictions(pruned.path, "PrivateTest", pruned.predictions("PrivateTest"))
    page = open_page("export")
    assert page.dataframe[0].value["Format"].tolist()[-1] == "Emoscope, 80 % pruned"
    assert "80 % of its weights are 0." in texts(page)


def test_a_run_without_forms_or_answers_says_how_to_make_them(world):
    write_run(world, "bare", splits=())
    page = open_page("export", run="bare")
    assert len(make_buttons(page)) == 6


def test_spoiled_measurements_are_one_sentence(exported):
    (exported.path / "exports.json").write_text("{")
    assert "exports.json" in open_page("export").error[0].value


def test_a_run_is_offered_to_other_programs_as_far_as_it_can(exported, world):
    page = open_page("export", run="emoscope")
    offered = [button.label for button in page.get("download_button") if button.key.startswith("share-")]
    assert offered == ["TensorBoard", "CSV", "Hugging Face", "scikit-learn"]
    import_results([ROOT / "tests" / "assets" / "foreign" / "keras_history.json"], name="theirs", root=world)
    page = open_page("export", run="theirs")
    assert [button.label for button in page.get("download_button")] == ["TensorBoard", "CSV"]
