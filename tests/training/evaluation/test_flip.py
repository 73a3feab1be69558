"""The flip average is a run of its own beside the plain one."""

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.networks.load import load_classifier
from emoscope.model.runs.run import load_run
from emoscope.training.evaluation.evaluate import evaluate_run
from emoscope.training.evaluation.flip import evaluate_flip_average
from tests.training.made_up import make_dataset, make_run


def test_probabilities_are_the_mean_over_both_images_and_plain_ones_stay(tmp_path):
    run, dataset = make_run(tmp_path), make_dataset(per_class=5)
    evaluate_run(run, dataset)
    before = load_run(run.path).predictions("PublicTest").probabilities
    flipped = evaluate_flip_average(run, dataset)
    images = dataset.splits["PublicTest"].images
    classifier = load_classifier(run)
    both = [classifier.classify(part).probabilities for part in (images, np.ascontiguousarray(images[:, :, ::-1]))]
    np.testing.assert_allclose(flipped.predictions("PublicTest").probabilities, sum(both) / 2, atol=1e-6)
    np.testing.assert_array_equal(load_run(run.path).predictions("PublicTest").probabilities, before)
    assert flipped.key == "tiny-flip"
    assert flipped.splits == ("PrivateTest", "PublicTest")
    assert "mirror image" in flipped.info.note
    assert evaluate_flip_average(run, dataset).key == "tiny-flip", "its own result may be computed again"


def test_another_run_of_that_name_is_left_alone(tmp_path):
    run = make_run(tmp_path)
    make_run(tmp_path, "tiny-flip")
    with pytest.raises(RunError, match="tiny-flip exists and is another run"):
        evaluate_flip_average(run, make_dataset(per_class=2))
