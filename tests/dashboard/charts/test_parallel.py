import numpy as np

from emoscope.dashboard.charts.parallel import parallel_coordinates


def axes(settings, score=(0.5, 0.6, 0.7), **arguments):
    figure = parallel_coordinates(settings, np.array(score), "Validation accuracy", **arguments)
    return {axis.label: axis for axis in figure.data[0].dimensions}, figure.data[0]


def test_numbers_keep_their_place_and_words_their_order():
    found, _ = axes({"batch_size": ["64", "128", "64"], "optimizer": ["sgd", "adam", "sgd"]})
    assert list(found) == ["batch size", "optimizer", "Validation accuracy"]
    assert list(found["batch size"].values) == [64, 128, 64]
    assert list(found["batch size"].ticktext) == ["64", "128"]
    assert list(found["optimizer"].values) == [1, 0, 1]
    assert list(found["optimizer"].ticktext) == ["adam", "sgd"]


def test_what_spans_many_factors_is_drawn_by_factors():
    found, _ = axes({"learning_rate": ["0.001", "0.01", "1.0"]})
    np.testing.assert_allclose(found["learning rate"].values, [-3, -2, 0])
    assert list(found["learning rate"].ticktext) == ["0.001", "0.01", "1"]


def test_a_setting_that_some_runs_lack_is_a_word():
    found, _ = axes({"options.dropout": ["0.1", "–", "0.3"]})
    assert list(found["options.dropout"].ticktext) == ["0.1", "0.3", "–"]


def test_colour_follows_the_score_and_turns_where_less_is_better():
    _, lines = axes({"a": ["1", "2", "3"]})
    assert list(lines.line.color) == [0.5, 0.6, 0.7] and not lines.line.reversescale
    assert axes({"a": ["1", "2", "3"]}, lower=True)[1].line.reversescale


def test_many_numbers_have_few_ticks():
    values = [str(v) for v in np.geomspace(1e-4, 1, 20)]
    found, _ = axes({"rate": values}, score=np.linspace(0, 1, 20))
    assert len(found["rate"].ticktext) == 5


def test_long_words_are_shortened_in_the_middle():
    lists = ["emoscope-large, emoscope-wide", "emoscope-large, emoscope-of-two"]
    found, _ = axes({"teacher": [lists[0], lists[1], "–"]})
    assert list(found["teacher"].ticktext) == ["emoscope-…pe-of-two", "emoscope-…cope-wide", "–"]


def test_long_words_that_differ_in_the_middle_keep_labels_of_their_own():
    names = ["large", "of-two", "wide"]
    lists = [f"['emoscope-{name}', 'emoscope-{name}-ferplus']" for name in names]
    found, _ = axes({"initial": lists})
    labels = list(found["initial"].ticktext)
    assert labels == ["…large', 'emosc", "…of-two', 'emos", "…wide', 'emosco"]
