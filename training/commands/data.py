"""``python -m training data``: describe a data set, before hours are spent on it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from emoscope.model.dataset import (
    FERPLUS_CLASSES,
    Dataset,
    Duplicates,
    exact_duplicates,
    ferplus_argmax,
    ferplus_majority,
    find_dataset,
    load_dataset,
    near_duplicates,
)
from emoscope.model.dataset.locate import GET_DATA
from emoscope.model.errors import DataError
from emoscope.training.commands.arguments import add_data_arguments


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("path", nargs="?", metavar="PATH", help="the same as --data PATH")
    add_data_arguments(parser)
    parser.add_argument("--near", action="store_true", help="look for near duplicates, too (some seconds)")
    parser.add_argument("--no-cache", action="store_true", help="read the files again and keep no parsed copy")


def run(args: Namespace) -> int:
    """Read the data set and print its report; return the exit status.

    Raises:
        DataError: There is no data set, or something in it is wrong.
    """
    path = args.path or args.data or find_dataset()
    if path is None:
        raise DataError("No data set was named.", f"Give its path. {GET_DATA}")
    with tqdm(desc="Reading", unit_scale=True, leave=False, disable=None) as bar:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        dataset = load_dataset(path, votes=args.votes, cache=not args.no_cache, progress=advance)
    print(report(dataset, near=args.near))
    return 0


def report(dataset: Dataset, near: bool = False) -> str:
    """Describe a data set: splits, class balance, fingerprint, duplicates and FER+ labels.

    Args:
        dataset: To describe.
        near: Whether to look for near duplicates, too.
    """
    images = next(iter(dataset.splits.values())).images
    height, width, channels = images.shape[1:]
    kind = "gray" if channels == 1 else "RGB"
    parts = [
        f"{dataset.name}, read as {dataset.form}; {width}×{height} pixels, {kind}",
        f"fingerprint  {dataset.fingerprint}",
        _balance_table(dataset),
        _duplicates_text(dataset, exact_duplicates(dataset), "Exact duplicates (all pixels equal)"),
    ]
    if near:
        title = "Near duplicates (the same picture in another crop, compression or brightness)"
        parts.append(_duplicates_text(dataset, near_duplicates(dataset), title))
    if any(split.votes is not None for split in dataset.splits.values()):
        parts.append(_votes_table(dataset))
    if dataset.notes:
        parts.append("\n".join(f"note: {note}" for note in dataset.notes))
    return "\n\n".join(parts)


def _balance_table(dataset: Dataset) -> str:
    rows = [["split", "images", *dataset.class_names]]
    for name, split in dataset.splits.items():
        counts = split.class_counts(len(dataset.class_names))
        rows.append([name, f"{len(split):,}", *(f"{n:,} ({n / len(split):.1%})" for n in counts)])
    return _aligned(rows)


def _duplicates_text(dataset: Dataset, duplicates: Duplicates, title: str) -> str:
    if not duplicates.groups:
        return f"{title}: none"
    rows = [[f"  within {split}", f"{duplicates.within(split):,}"] for split in dataset.splits]
    rows += [[f"  of {later}, also in {seen}", f"{n:,}"] for (seen, later), n in duplicates.shared().items()]
    rows.append(["  groups", f"{len(duplicates.groups):,}"])
    rows.append(["  groups whose labels differ", f"{len(duplicates.conflicting):,}"])
    return f"{title}\n{_aligned(rows)}"


def _votes_table(dataset: Dataset) -> str:
    forms = {
        "majority (the paper's: votes of 1 dropped, top vote over half of the rest)": ferplus_majority,
        "arg-max over all ten columns": ferplus_argmax,
    }
    tables = []
    for form, derive in forms.items():
        rows = [["split", "kept", *FERPLUS_CLASSES]]
        for name, split in dataset.splits.items():
            if split.votes is not None:
                labels = derive(split.votes)
                counts = np.bincount(labels[labels >= 0], minlength=len(FERPLUS_CLASSES))
                rows.append([name, f"{counts.sum():,}", *(f"{n:,}" for n in counts)])
        tables.append(f"FER+ labels by {form}\n{_aligned(rows)}")
    return "\n\n".join(tables)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table: the first column to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
