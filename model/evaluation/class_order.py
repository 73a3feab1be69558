"""Which classes of many to look at, and in which order."""

from __future__ import annotations

import numpy as np

MOST_IN_A_CHART = 30
"""Classes that a chart with a row for each shows."""


def similar_together(confusion: np.ndarray) -> np.ndarray:
    """Return an order of the classes in which those that are taken for one another stand together.

    Classes are joined by average linkage; two are the nearer, the larger their mean share of confusion with each other.

    Args:
        confusion: Counts, shape (C, C), labels by row.

    Returns:
        Class indices, int64, shape (C,).

    Source: Sokal and Michener 1958 (average linkage); Bar-Joseph et al., Bioinformatics 17, 2001 (order of the leaves).
    """
    classes = len(confusion)
    if classes < 3:
        return np.arange(classes)
    from scipy.cluster.hierarchy import leaves_list, linkage

    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    mutual = ((shares + shares.T) / 2)[np.triu_indices(classes, 1)]
    tree = linkage(1 - mutual, "average", optimal_ordering=True)
    return leaves_list(tree).astype(np.int64)


def most_confused(confusion: np.ndarray, most: int) -> np.ndarray:
    """Return the classes with the most errors, as label or as prediction, in the order of the classes: int64."""
    errors = confusion.sum(0) + confusion.sum(1) - 2 * np.diagonal(confusion)
    return np.sort(np.argsort(-errors, kind="stable")[:most])


def with_partners(confusion: np.ndarray, classes: np.ndarray, partners: int) -> np.ndarray:
    """Return classes and those that each is most often confused with, in the order of the classes: int64.

    Args:
        confusion: Counts, shape (C, C), labels by row.
        classes: Class indices.
        partners: At most so many for each class.
    """
    mutual = confusion + confusion.T
    np.fill_diagonal(mutual, 0)
    found = set(classes.tolist())
    for place in classes:
        nearest = np.argsort(-mutual[place], kind="stable")[:partners]
        found |= {int(other) for other in nearest if mutual[place, other]}
    return np.array(sorted(found), np.int64)


def weakest(values: np.ndarray) -> np.ndarray:
    """Return the classes for a chart that nobody can search: all, of too many those of the lowest values; int64."""
    if len(values) <= MOST_IN_A_CHART:
        return np.arange(len(values))
    return np.argsort(values, kind="stable")[:MOST_IN_A_CHART]
