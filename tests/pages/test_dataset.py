import pytest

from tests.made_up_faces import COPIED, DISPUTED, SIZES
from tests.model.dataset.made_up import make_images, write_folders
from tests.pages.evaluation_app import checked, metrics, open_page, texts


def test_class_balance_counts_every_image(world):
    table = open_page("dataset").dataframe[0].value
    assert table.loc["all"].to_dict() == {**SIZES, "All": sum(SIZES.values())}
    assert table.loc["disgust", "PrivateTest"] == 20


def test_faces_show_the_mean_of_each_class_and_its_images(world):
    page = open_page("dataset", section="Faces", split="PrivateTest", **{"class": "fear"})
    means, images = (block.value.count("<figure") for block in page.html)
    assert (means, images) == (7, 20)


def test_annotators_agree_where_they_were_made_to(world):
    page = open_page("dataset", section="Annotators", split="PrivateTest")
    same = 100 * (1 - DISPUTED / 140)
    assert f"on {same:.1f} % of them" in texts(page)


def test_votes_stand_beside_the_answer_of_a_run(world):
    page = open_page("dataset", section="Annotators", of="PrivateTest", image="139")
    assert "PrivateTest 139" in page.html[0].value
    assert len(page.get("plotly_chart")) == 2
    assert "was not scored" not in texts(page)


def test_copies_across_splits_are_counted_and_taken_out_of_the_accuracy(world, faces):
    page = open_page("dataset", section="Duplicates")
    assert metrics(page)["Groups of copies"] == str(COPIED)
    overlap, effect = (table.value for table in page.dataframe[:2])
    assert overlap.set_index("Split").loc["PrivateTest", "Also in Training"] == COPIED
    row = effect.set_index("Run").loc["emoscope"]
    assert row["Copies"] == COPIED
    assert row["Without copies %"] == pytest.approx(
        100 * (120 - COPIED) / (140 - COPIED), abs=0.01
    )  # copies were right
    assert row["On the copies %"] == 100


def test_light_is_measured_by_split_and_by_class(world):
    assert open_page("dataset", section="Light").dataframe[0].value["Split"].tolist() == list(SIZES)
    by_class = open_page("dataset", section="Light", by="Class").dataframe[0].value
    assert by_class["Images"].tolist() == [20] * 7
    assert by_class["Mean brightness"].between(120, 135).all()  # noise between 0 and 255


def test_without_data_the_page_says_how_to_provide_it(world, monkeypatch, tmp_path):
    monkeypatch.setenv("EMOSCOPE_DATA", str(tmp_path / "nowhere"))
    page = open_page("dataset")
    assert "nowhere" in page.error[0].value
    assert page.dataframe, "what is known of FER-2013 is shown all the same"


@pytest.fixture
def without_data(world, monkeypatch):
    monkeypatch.delenv("EMOSCOPE_DATA")
    monkeypatch.setattr("emoscope.dashboard.ui.resources.find_dataset", lambda: None)
    monkeypatch.setattr("emoscope.dashboard.evaluation.own_copy.visitor_sits_here", lambda: True)
    return world


def test_without_data_the_page_shows_what_is_known(without_data):
    page = open_page("dataset")
    table = page.dataframe[0].value
    assert table.loc["all"].to_dict() == {"Training": 28709, "PublicTest": 3589, "PrivateTest": 3589, "All": 35887}
    assert page.get("plotly_chart")


def test_a_copy_is_named_on_the_page(without_data, faces_folder, tmp_path):
    page = open_page("dataset")
    page.text_input[0].set_value(str(tmp_path / "nowhere"))
    page.button[0].click()
    page = checked(page.run())
    assert "There is no file or folder" in page.error[0].value
    page.text_input[0].set_value(str(faces_folder))
    page.button[0].click()
    page = checked(page.run())
    assert not page.error
    assert page.dataframe[0].value.loc["all"]["All"] == sum(SIZES.values())


def test_a_visitor_from_elsewhere_names_no_path_of_the_server(without_data, monkeypatch):
    monkeypatch.setattr("emoscope.dashboard.evaluation.own_copy.visitor_sits_here", lambda: False)
    page = open_page("dataset")
    assert not page.text_input and page.dataframe


def test_what_was_recognised_is_said(world, monkeypatch, tmp_path):
    images = make_images(20)
    files = {f"{name}/{k}.png": images[k] for name in ("a_b", "calm") for k in range(20)}
    monkeypatch.setenv("EMOSCOPE_DATA", str(write_folders(tmp_path / "office", files)))
    said = texts(open_page("dataset"))
    assert "office, read as folders (train/validation/test): train 32, validation 4, test 4." in said
    assert "No splits came with it\\: 80/10/10 were made by class (seed 0)." in said
