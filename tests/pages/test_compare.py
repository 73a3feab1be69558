import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from emoscope.model.runs.archive import pack_run
from emoscope.model.runs.foreign.merge import import_results
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import load_run, write_run_info
from tests.factories import write_robustness_file, write_run
from tests.pages.evaluation_app import checked, metrics, open_page, texts
from tests.paths import ROOT


def test_leaderboard_is_best_first(world):
    table = open_page("compare").dataframe[0].value
    assert table["Run"].tolist() == ["emoscope", "twin", "baseline"]
    assert table["Accuracy %"].tolist() == [85.71, 84.29, 68.57]


def test_leaderboard_by_a_figure_of_which_less_is_better(world):
    table = open_page("compare", metric="Log loss").dataframe[0].value
    assert table["Log loss"].is_monotonic_increasing
    assert table["Run"].iloc[-1] == "baseline"


def test_filter_keeps_the_runs_that_match(world):
    assert open_page("compare", filter="twin").dataframe[0].value["Run"].tolist() == ["twin"]
    assert "No run matches" in texts(open_page("compare", filter="nothing like it"))


def test_other_test_sets_and_classes_stand_in_tables_of_their_own(world):
    write_run(world, "elsewhere", n=50, data_seed=5)
    write_run(world, "two-classes", n=50, class_names=("yes", "no"))
    page = open_page("compare")
    assert "3 different test sets or class lists" in texts(page)
    tables = [table.value["Run"].tolist() for table in page.dataframe]
    assert tables[0] == ["emoscope", "twin", "baseline"]
    assert sorted(tables[1:]) == [["elsewhere"], ["two-classes"]]


def test_runs_that_were_scored_on_other_splits_are_no_problem(world):
    write_run(world, "cross-validated", n=50, splits=("Training",))
    page = open_page("compare")
    assert not page.warning
    assert "Not scored on PrivateTest: cross-validated." in texts(page)
    assert "No run matches" not in texts(open_page("compare", filter="cross-validated"))


def test_a_spoiled_run_is_named_and_the_others_ranked(world):
    (world / "twin" / "predictions" / "PrivateTest.npz").write_bytes(b"PK")
    page = open_page("compare")
    assert "twin/predictions/PrivateTest.npz" in page.warning[0].value
    assert page.dataframe[0].value["Run"].tolist() == ["emoscope", "baseline"]


def test_a_clear_difference_gets_a_plain_verdict(world):
    page = open_page("compare", section="Two runs")
    assert "emoscope is better than baseline by 17.1 points" in page.success[0].value.replace("\\", "")
    shown = metrics(page)
    assert (shown["Only A is right"], shown["Only B is right"]) == ("24", "0")
    assert binomtest(0, 24).pvalue < 0.001
    assert shown["McNemar’s test"] == "p < 0.001"


def test_a_small_difference_is_not_distinguishable(world):
    page = open_page("compare", section="Two runs", b="twin")
    assert "not distinguishable at n = 140" in page.info[0].value.replace("\\", "")
    assert metrics(page)["McNemar’s test"] == f"{binomtest(0, 2).pvalue:.2f}"


def test_flips_show_the_images_on_which_the_runs_part(world):
    page = open_page("compare", section="Two runs")
    assert page.html[0].value.count("<figure") == 24
    assert "24 images" in texts(page)
    other = open_page("compare", section="Two runs", flips="B right, A wrong")
    assert not other.html  # emoscope errs on no image that baseline gets right


@pytest.mark.parametrize("kind", ["images", "labels", "classes", "splits"])
def test_what_must_not_be_compared_is_refused_with_the_reason(world, kind):
    twin = load_run(world / "twin")
    old = twin.predictions("PrivateTest")
    match kind:
        case "images":
            write_predictions(
                twin.path,
                "PrivateTest",
                Predictions(old.index, old.pixel_hash + np.uint64(1), old.label, old.probabilities),
            )
        case "labels":
            write_predictions(
                twin.path, "PrivateTest", Predictions(old.index, old.pixel_hash, (old.label + 1) % 7, old.probabilities)
            )
        case "classes":
            write_run(world, "twin", n=50, class_names=("yes", "no"))
        case "splits":
            write_run(world, "twin", splits=())
            for file in (world / "twin" / "predictions").glob("*.npz"):
                file.unlink()
    page = open_page("compare", section="Two runs", b="twin")
    assert "cannot be compared" in page.error[0].value
    assert not page.success


def test_robustness_leaves_out_what_was_measured_on_other_samples(world):
    for number, key in enumerate(("emoscope", "baseline")):
        write_robustness_file(world / key, 0.7, seed=number)
    page = open_page("compare", section="Robustness")
    assert "different samples" in page.warning[0].value
    assert page.dataframe[0].value["Run"].tolist() == ["baseline"] or len(page.dataframe[0].value) == 1


def test_robustness_says_how_to_measure(world):
    assert "python -m training robustness" in texts(open_page("compare", section="Robustness"))


def upload(page, content: bytes):
    page.file_uploader[0].set_value(("run.zip", content, "application/zip"))
    return checked(page.run())


def test_an_uploaded_run_joins_this_session_and_can_be_removed(world, tmp_path, faces):
    from tests.made_up_faces import write_scored_run

    brought = write_scored_run(tmp_path / "mine", "brought", faces, wrong=3)
    page = upload(open_page("compare", section="Bring a run"), pack_run(brought))
    assert "brought" in page.success[0].value
    assert not (world / "brought").exists()
    page.button_group(key="section").set_value("Leaderboard")
    page = checked(page.run())
    assert page.dataframe[0].value["Run"].iloc[0] == "brought"
    assert "brought" not in open_page("compare").dataframe[0].value["Run"].tolist()  # another session
    page.button_group(key="section").set_value("Bring a run")
    page = checked(page.run())
    page.button(key="remove-brought").click()
    page = checked(page.run())
    page.button_group(key="section").set_value("Leaderboard")
    assert "brought" not in checked(page.run()).dataframe[0].value["Run"].tolist()


def test_an_uploaded_run_does_not_replace_one_of_the_same_name(world):
    page = upload(open_page("compare", section="Bring a run"), pack_run(load_run(world / "twin")))
    assert "twin-uploaded" in page.success[0].value


@pytest.mark.parametrize("content", [b"no zip", b""])
def test_a_file_that_is_no_run_is_refused_with_a_sentence(world, content):
    page = upload(open_page("compare", section="Bring a run"), content)
    assert len(page.error) == 1
    assert not page.success


def test_an_archive_that_leads_outside_is_refused(world):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../run.json", "{}")
    page = upload(open_page("compare", section="Bring a run"), buffer.getvalue())
    assert "outside" in page.error[0].value


def test_settings_leave_out_what_has_no_kept_epoch(world):
    run = write_run(world, "cross-validated", n=50, splits=("Training",))
    write_run_info(run.path, replace(run.info, best_epoch=None))
    (run.path / "history.csv").unlink(missing_ok=True)
    assert not open_page("compare", section="Settings").warning


def test_settings_that_differ_stand_beside_the_validation_score(world):
    for n, rate in enumerate((0.01, 0.1, 0.3)):
        write_run(world, f"sweep-{n}", splits=(), accuracy=0.5 + n / 10, config={"learning_rate": rate, "epochs": 4})
    page = open_page("compare", section="Settings", filter="sweep")
    table = page.dataframe[0].value
    assert table["Run"].tolist() == ["sweep-2", "sweep-1", "sweep-0"]
    assert list(table) == ["Run", "Validation accuracy", "learning_rate"], "epochs are the same in all"
    run = load_run(world / "sweep-2")
    assert table["Validation accuracy"][0] == round(run.history["val_accuracy"][run.info.best_epoch - 1], 4)
    assert page.get("plotly_chart")
    (world / "sweep-1" / "history.csv").unlink()
    assert "sweep-1 has no history.csv" in texts(open_page("compare", section="Settings", filter="sweep"))
    assert "At least two runs" in texts(open_page("compare", section="Settings", filter="sweep-2"))


FOREIGN = ROOT / "tests" / "assets" / "foreign"


def bring(page, *names):
    page.file_uploader[0].set_value([(name, (FOREIGN / name).read_bytes(), "") for name in names])
    return checked(page.run())


def test_several_files_of_another_program_become_one_run_of_this_session(world):
    page = bring(open_page("compare", section="Bring a run"), "keras_history.json", "predictions_numbers.csv")
    assert "keras\\_history.json" in texts(page) and "4 epochs, 6 metrics" in texts(page)
    assert "label from y\\_true, predicted class from y\\_pred" in texts(page)
    page.text_input(key="import-name").set_value("Mine")
    page.button(key="import-add").click()
    page = checked(page.run())
    assert "Mine" in page.success[0].value and not (world / "Mine").exists()
    page.button_group(key="section").set_value("Leaderboard")
    page = checked(page.run())
    page.button_group(key="split").set_value("test")
    page = checked(page.run())
    assert "Mine" in [run for table in page.dataframe for run in table.value["Run"]]


def test_what_was_guessed_of_a_file_can_be_corrected(world):
    page = bring(open_page("compare", section="Bring a run"), "predictions_names.csv")
    page.text_input(key="import-predicted").set_value("file")
    page.text_input(key="import-true").set_value("nothing")
    assert "no column nothing" in checked(page.run()).error[0].value


def test_a_file_that_nobody_knows_is_one_sentence(world):
    page = open_page("compare", section="Bring a run")
    page.file_uploader[0].set_value([("notes.txt", b"It went well.", "text/plain")])
    assert "no result that is recognised" in checked(page.run()).error[0].value


def test_figures_of_a_report_stand_beside_those_of_a_matrix_of_the_same_sizes(world):
    runs = (("stated", "report.json"), ("counted", "confusion_names.csv"), ("full", "predictions_names.csv"))
    for name, file in runs:
        import_results([FOREIGN / file], name=name, root=world)
    page = open_page("compare", section="Leaderboard", split="test")
    (table,) = (t.value for t in page.dataframe if "full" in t.value["Run"].tolist())
    assert sorted(table["Run"]) == ["counted", "full", "stated"]
    assert table["Accuracy %"].nunique() == 1
    assert "taken for the same test set" in texts(page)
    page = open_page("compare", section="Two runs", a="stated", b="full", split="test")
    assert "only a report of another program is known" in texts(page) and not page.error
