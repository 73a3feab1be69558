"""Command-line flags that several commands share."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from emoscope.model.dataset import Dataset, find_dataset, load_dataset
from emoscope.model.dataset.locate import GET_DATA
from emoscope.model.errors import DataError, NotKnownError
from emoscope.model.runs.run import Run, RunInfo
from emoscope.training.evaluation.other_data import is_own_data


def add_data_arguments(parser: ArgumentParser) -> None:
    """Add ``--data`` and ``--votes``."""
    parser.add_argument("--data", metavar="PATH", help="data set: file or folder (default: EMOSCOPE_DATA, else data/)")
    parser.add_argument("--votes", metavar="FILE", help="FER+ votes (default: fer2013new.csv beside the data)")


def data_title(args: Namespace) -> str:
    """Return a title of the data that the flags name: their file's or folder's name without its endings."""
    return Path(args.data or find_dataset() or "data").resolve().name.split(".")[0]


def separate_names(text: str) -> tuple[str, ...]:
    """Read different names that commas separate, as a flag's type."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names or len(set(names)) != len(names):
        raise ArgumentTypeError(f"different names, separated by commas, are expected, not {text!r}")
    return names


def load_data(args: Namespace, info: RunInfo | None = None) -> Dataset:
    """Load the data set that the flags name, at a network's size and channels where one is given.

    Raises:
        DataError: There is none, or something in it is wrong.
        NotKnownError: The run holds imported results, so there is no network to load it for.
    """
    if info is None:
        return load_data_at(args, (48, 48), 1)
    if not info.knows_input:
        raise NotKnownError(f"{info.name} holds imported results and no network.", "Choose a run with a network.")
    return load_data_at(args, info.input_size, info.channels)


def load_data_at(args: Namespace, size: tuple[int, int], channels: int) -> Dataset:
    """Load the data set that the flags name, brought to a height and width and a number of channels.

    Raises:
        DataError: There is none, or something in it is wrong.
    """
    path = args.data or find_dataset()
    if path is None:
        raise DataError("No data set was named.", f"Give --data. {GET_DATA}")
    return load_dataset(path, votes=args.votes, size=size, channels=channels)


def own_data(args: Namespace, run: Run) -> Dataset | None:
    """Load the data that a run was made with, for commands that write into its folder.

    Returns:
        None where no data are named and those that lie ready are not there, or are others.

    Raises:
        DataError: Other data are named, or something in them is wrong.
    """
    if not args.data and not find_dataset():
        return None
    dataset = load_data(args, run.info)
    if is_own_data(run, dataset):
        return dataset
    if args.data:
        raise DataError(
            f"{run.key} was made with other data ({run.info.dataset.name or 'unnamed'}) than these.",
            f"Leave --data out, or score it on these: python -m training evaluate {run.key} --data {args.data}",
        )
    return None
