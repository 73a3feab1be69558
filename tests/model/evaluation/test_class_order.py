import numpy as np
import pytest

from emoscope.model.evaluation.class_order import most_confused, similar_together, with_partners


def blocks(groups: list[list[int]], classes: int) -> np.ndarray:
    """Return counts in which the classes of a group are often taken for one another."""
    matrix = np.full((classes, classes), 0) + 90 * np.eye(classes, dtype=int)
    for group in groups:
        for one in group:
            for other in group:
                matrix[one, other] += 5
    return matrix


def test_classes_that_are_taken_for_one_another_stand_together() -> None:
    groups = [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    order = similar_together(blocks(groups, 9)).tolist()
    assert sorted(order) == list(range(9))
    assert sorted(sorted(order[place : place + 3]) for place in (0, 3, 6)) == groups


@pytest.mark.parametrize("classes", [1, 2])
def test_few_classes_keep_their_order(classes: int) -> None:
    assert similar_together(np.eye(classes, dtype=int)).tolist() == list(range(classes))


def test_a_class_without_samples_has_a_place() -> None:
    assert sorted(similar_together(np.diag([3, 0, 2, 4]))) == [0, 1, 2, 3]


def test_most_confused_counts_errors_both_ways() -> None:
    matrix = np.array([[9, 0, 0, 1], [0, 9, 0, 3], [0, 0, 9, 0], [0, 2, 0, 9]])
    assert most_confused(matrix, 2).tolist() == [1, 3]
    assert most_confused(matrix, 9).tolist() == [0, 1, 2, 3]


def test_partners_are_those_with_the_most_mutual_errors() -> None:
    matrix = np.array([[9, 0, 0, 1], [0, 9, 0, 3], [0, 0, 9, 0], [0, 2, 0, 9]])
    before = matrix.copy()
    assert with_partners(matrix, np.array([3]), 1).tolist() == [1, 3]
    assert with_partners(matrix, np.array([2]), 3).tolist() == [2]
    np.testing.assert_array_equal(matrix, before)
