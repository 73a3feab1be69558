"""Which file of a data set belongs to which split and class: by folders, by its name, or by a list of labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from emoscope.model.dataset.class_order import NamedWords, name_words, order_classes
from emoscope.model.dataset.file_tree import FileTree, find_layout_root, is_image_name
from emoscope.model.dataset.known_sets import EIGHT
from emoscope.model.dataset.label_file import FileList, find_lists, read_class_file
from emoscope.model.dataset.locate import GET_DATA
from emoscope.model.dataset.made_splits import dealt
from emoscope.model.dataset.samples import FER2013_SPLITS
from emoscope.model.dataset.split_names import ALL, is_split_name, split_rank, standard_names
from emoscope.model.emotions import emotion_key
from emoscope.model.errors import DataError

_FER2013_FILE = re.compile(rf"({'|'.join(FER2013_SPLITS)})_\d+\.\w+$", re.ASCII)


@dataclass(frozen=True)
class Layout:
    """Which file belongs to which split and class.

    Attributes:
        class_names: In the order of the labels.
        files: For each split, training first, its ``(relative path, label)`` in sorted order.
        notes: What was recognised and what was left out, one sentence each.
        made_splits: Whether the splits were made here.
        labels_from: The list that the labels are from; empty where they are from folders.
    """

    class_names: tuple[str, ...]
    files: dict[str, list[tuple[str, int]]]
    notes: tuple[str, ...]
    made_splits: bool = False
    labels_from: str = ""

    @property
    def has_fer2013_splits(self) -> bool:
        """Whether the splits are FER-2013's own."""
        return not self.made_splits and all(split in FER2013_SPLITS for split in self.files)


def recover_layout(tree: FileTree, labels: str | None = None) -> Layout:
    """Sort a tree's files into splits and classes, by their folders and names or by a list.

    The seven class names of FER-2013 (and their synonyms, in any case) are put into FER-2013's order; any
    other set of names is sorted. Files that are all called ``Training_N``, ``PublicTest_N`` or ``PrivateTest_N`` go
    into the split that their name says, whatever folder they are in. A list of files and labels counts unless folders
    are called after emotions.

    Args:
        tree: Of files.
        labels: The path of the list to use, whatever the folders are called.

    Raises:
        DataError: There are no images in such folders, a class has none in any split, or the list is of other images.
    """
    if labels is not None or not _has_emotion_folders(tree):
        found = find_lists(tree, labels)
        if found is not None:
            return _list_layout(tree, found)
        if labels is not None:
            raise DataError(f"{labels} lists images that are not below {tree.name}.", "Put it beside the images.")
    root = find_layout_root(tree)
    if root is None:
        return _flat_layout(tree)
    prefix = "" if root == "." else f"{root}/"
    placed = [path for path in tree.paths if _is_placed(path, prefix)]
    above = {path.removeprefix(prefix).split("/")[0] for path in placed if is_image_name(path)}
    if len(above) == 1 and not any(map(is_split_name, above)):
        return _flat_layout(tree, f"{prefix}{above.pop()}/")  # a folder around those of the classes
    folders = [path.removeprefix(prefix).split("/") for path in placed]
    named = _named_folders(tree, [folder for _, folder, _ in folders])
    _refuse_empty_folders(tree, root, named)
    _refuse_one_class(tree, named)
    standard = standard_names({split for split, *_ in folders})
    splits = _own_splits(placed) or [standard[split] for split, *_ in folders]
    files = _by_split(
        splits, [(path, named.label_of[folder]) for path, (_, folder, _) in zip(placed, folders, strict=True)]
    )
    return Layout(named.names, files, (*named.notes, *_notes(tree, files)))


def _flat_layout(tree: FileTree, prefix: str = "") -> Layout:
    """Take ``<class>/<image>`` folders for one split, and part it where there are enough images."""
    depth = prefix.count("/") + 1
    placed = [
        path for path in tree.paths if path.startswith(prefix) and path.count("/") == depth and is_image_name(path)
    ]
    folders = [path.split("/")[depth - 1] for path in placed]
    if len(set(folders)) < 2 or all(map(is_split_name, folders)):
        raise _no_layout(tree)  # folders of splits whose images have no class
    named = _named_folders(tree, folders)
    _refuse_one_class(tree, named)
    samples = [(path, named.label_of[folder]) for path, folder in zip(placed, folders, strict=True)]
    if own := _own_splits(placed):
        files, note = _by_split(own, samples), ""
    else:
        files, note = _dealt([""] * len(samples), samples)
    notes = (note, *named.notes, *_notes(tree, files))
    return Layout(named.names, files, tuple(filter(None, notes)), made_splits=bool(note) and ALL not in files)


def _list_layout(tree: FileTree, found: FileList) -> Layout:
    """Take classes, and splits where it tells them, from a list."""
    named = name_words([file.word for file in found.files], _hint(tree), False, read_class_file(tree))
    _refuse_one_class(tree, named)
    kept = [file for file in found.files if named.label_of[file.word] >= 0]
    samples = [(file.path, named.label_of[file.word]) for file in kept]
    sources = ", ".join(found.sources[:4])
    notes = [f"Labels of {len(samples):,} images come from {sources}.", *named.notes]
    files, note = _dealt([file.split for file in kept], samples)
    notes += filter(None, [note])
    is_made = not any(file.split for file in kept) and ALL not in files
    if found.missing:
        are = "image that {} lists is" if found.missing == 1 else "images that {} lists are"
        notes.append(f"{found.missing:,} {are.format(sources)} not there.")
    if unlisted := sum(map(is_image_name, tree.paths)) - len(found.files):
        notes.append(f"{unlisted:,} image{'s' * (unlisted > 1)} without a label were left out.")
    return Layout(named.names, files, tuple(notes), is_made, sources)


def _has_emotion_folders(tree: FileTree) -> bool:
    folders = {path.split("/")[-2] for path in tree.paths if "/" in path and is_image_name(path)}
    return any(emotion_key(folder) in EIGHT for folder in folders)


def _named_folders(tree: FileTree, folders: Sequence[str]) -> NamedWords:
    """Name the classes of folders; those with numbers by a ``classes.txt`` or a known data set."""
    if all(folder.isdecimal() for folder in folders):
        return name_words(folders, _hint(tree), False, read_class_file(tree))
    order = order_classes(folders)
    return NamedWords(order.names, {folder: order.label(folder) for folder in folders}, order.notes)


def _hint(tree: FileTree) -> str:
    """Return the names of a tree, its folders and its few other files, which may tell what data set it is."""
    folders = Counter(part for path in tree.paths for part in path.split("/")[:-1])
    others = [path for path in tree.paths if not is_image_name(path)]
    return " ".join([tree.name, *list(folders)[:50], *others[:50]])


def _own_splits(paths: Sequence[str]) -> list[str]:
    """Return the split of each file as FER-2013's own names tell; empty unless all do."""
    found = [_FER2013_FILE.match(path.rpartition("/")[2]) for path in paths]
    return [match[1] for match in found if match] if all(found) else []


def _by_split(splits: Sequence[str], samples: Sequence[tuple[str, int]]) -> dict[str, list[tuple[str, int]]]:
    files: dict[str, list[tuple[str, int]]] = {split: [] for split in sorted(set(splits), key=split_rank)}
    for split, sample in zip(splits, samples, strict=True):
        files[split].append(sample)
    return files


def _refuse_one_class(tree: FileTree, named: NamedWords) -> None:
    if len(named.names) < 2:
        raise DataError(f"{tree.name} has only one class, {named.names[0]}.", "Add images of each further class.")


def _is_placed(path: str, prefix: str) -> bool:
    """Tell whether a path is ``<split>/<class>/<file>`` below a prefix."""
    return path.startswith(prefix) and path.count("/") == prefix.count("/") + 2


def _dealt(words: Sequence[str], samples: list[tuple[str, int]]) -> tuple[dict[str, list[tuple[str, int]]], str]:
    """Return the samples of each split, and what was done about those that have none."""
    parts, note = dealt(words, np.array([label for _, label in samples]), [path for path, _ in samples])
    return {name: [samples[k] for k in part] for name, part in parts.items()}, note


def _refuse_empty_folders(tree: FileTree, root: str, named: NamedWords) -> None:
    """Raise for a split without images, and for a class without images in any split."""
    classes = {word.casefold() for word in named.label_of}
    for folder in tree.empty_folders:
        path = PurePosixPath(folder)
        if not path.is_relative_to(root):
            continue
        inside = path.relative_to(root).parts
        is_split = len(inside) == 1 and is_split_name(inside[0])
        is_class = len(inside) == 2 and inside[1].casefold() not in classes
        if is_split or is_class:
            raise DataError(f"The folder {folder} of {tree.name} is empty.", "Put images into it or remove it.")


def _notes(tree: FileTree, files: dict[str, list[tuple[str, int]]]) -> Iterator[str]:
    left_out = sum(map(is_image_name, tree.paths)) - sum(len(chosen) for chosen in files.values())
    if left_out > 0:
        yield f"{left_out} image{'s' * (left_out > 1)} outside of the folders of classes were left out."


def _no_layout(tree: FileTree) -> DataError:
    has_images = any(map(is_image_name, tree.paths))
    return DataError(
        f"{tree.name} holds neither a FER-2013 table nor images in <split>/<class>/ folders.",
        "Sort the images into folders such as train/happy, validation/happy and test/happy."
        if has_images
        else GET_DATA,
    )
