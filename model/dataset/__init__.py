"""Data sets of faces with labels: FER-2013 in every form people hold it, FER+ votes, and folders of one's own.

``load_dataset(path)`` reads whatever is there and returns a :class:`Dataset` of named splits; ``find_dataset()`` says
where the user's copy is.
"""

from emoscope.model.dataset.duplicates import Duplicates, exact_duplicates, near_duplicates
from emoscope.model.dataset.load import find_dataset, load_dataset
from emoscope.model.dataset.samples import FER2013_CLASSES, FER2013_SPLITS, Dataset, Split
from emoscope.model.dataset.votes import (
    FER2013_TO_FERPLUS,
    FERPLUS_CLASSES,
    VOTE_NAMES,
    ferplus_argmax,
    ferplus_distribution,
    ferplus_majority,
    read_votes,
)

__all__ = [
    "FER2013_CLASSES",
    "FER2013_SPLITS",
    "FER2013_TO_FERPLUS",
    "FERPLUS_CLASSES",
    "VOTE_NAMES",
    "Dataset",
    "Duplicates",
    "Split",
    "exact_duplicates",
    "ferplus_argmax",
    "ferplus_distribution",
    "ferplus_majority",
    "find_dataset",
    "load_dataset",
    "near_duplicates",
    "read_votes",
]
