"""What a network and the votes say together is nearer to the labels than either."""

import numpy as np

from emoscope.training.distillation.privileged import with_privileged_votes


def draw(count=3000, seed=0):
    """Draw labels that a network and voters each see half of: one the first bit, the others the second."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    network = np.where((labels // 2)[:, None] == np.arange(4) // 2, 0.45, 0.05)
    votes = np.where((labels % 2)[:, None] == np.arange(2), 0.8, 0.2)
    return network, votes, labels


def test_two_halves_of_the_truth_make_the_whole():
    network, votes, labels = draw()
    found = with_privileged_votes(network, votes, np.ones(len(labels), bool), labels)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert (found.argmax(1) == labels).all()
    assert found.max(1).mean() > 0.9


def test_labels_drawn_by_chance_teach_nothing_but_their_frequency():
    network, votes, labels = draw()
    labels = np.random.default_rng(1).choice(4, len(labels), p=[0.1, 0.2, 0.3, 0.4])
    found = with_privileged_votes(network, votes, np.ones(len(labels), bool), labels)
    np.testing.assert_allclose(found, np.tile([0.1, 0.2, 0.3, 0.4], (len(labels), 1)), atol=0.06)


def test_who_has_no_votes_keeps_what_the_network_says():
    network, votes, labels = draw()
    voted = np.arange(len(labels)) % 3 > 0
    votes[~voted] = 0
    found = with_privileged_votes(network, votes, voted, labels)
    np.testing.assert_array_equal(found[~voted], network[~voted].astype(np.float32))
    assert (found[voted].argmax(1) == labels[voted]).all()


def test_a_class_that_never_occurs_gets_nothing():
    network, votes, labels = draw()
    labels[labels == 2] = 3
    found = with_privileged_votes(network, votes, np.ones(len(labels), bool), labels)
    assert (found[:, 2] == 0).all() and (found.argmax(1) == labels).all()


def test_without_votes_the_network_stands_alone():
    network, votes, labels = draw(50)
    found = with_privileged_votes(network, votes, np.zeros(50, bool), labels)
    np.testing.assert_array_equal(found, network.astype(np.float32))
