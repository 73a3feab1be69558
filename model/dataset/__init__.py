"""Data sets as people hold them.

Reads FER-2013 in all its published forms, folders of classes, tables of pixels, lists of files and labels, Parquet and
FER+ votes into one ``Dataset`` of splits, caches what was parsed, and finds duplicates and appearance figures.

Imported by ``dashboard.evaluation``, ``dashboard.train``, ``dashboard.ui``, ``model.browser``, ``model.evaluation``,
``training.cluster``, ``training.commands``, ``training.evaluation``, ``training.exporting``, ``training.foreign``,
``training.inputs`` and ``training.loop``.
"""

from emoscope.model.dataset.duplicates import Duplicates, exact_duplicates, near_duplicates
from emoscope.model.dataset.load import find_dataset, load_dataset
from emoscope.model.dataset.samples import FER2013_CLASSES, FER2013_SPLITS, Dataset, Split
from emoscope.model.dataset.votes import read_votes
from emoscope.model.votes import (
    FER2013_TO_FERPLUS,
    FERPLUS_CLASSES,
    VOTE_NAMES,
    clear_majority,
    ferplus_argmax,
    ferplus_distribution,
    ferplus_majority,
    vote_distribution,
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
    "clear_majority",
    "exact_duplicates",
    "ferplus_argmax",
    "ferplus_distribution",
    "ferplus_majority",
    "find_dataset",
    "load_dataset",
    "near_duplicates",
    "read_votes",
    "vote_distribution",
]
