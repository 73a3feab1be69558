"""Data sets held as ``<split>/<class>/<image>``: FER-2013 as Kaggle has it, and the user's own."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeVar
from zipfile import BadZipFile

import cv2
import numpy as np

from emoscope.model.dataset.class_order import ClassOrder, order_classes
from emoscope.model.dataset.file_tree import FileTree, find_layout_root, is_image_name
from emoscope.model.dataset.locate import GET_DATA
from emoscope.model.dataset.made_splits import make_splits, split_parts
from emoscope.model.dataset.samples import (
    FER2013_SPLITS,
    Split,
    hash_pixels,
)
from emoscope.model.dataset.split_names import ALL, is_split_name, split_rank, standard_names
from emoscope.model.errors import DataError, ImageError
from emoscope.model.images import decode_image
from emoscope.model.machine import available_cores
from emoscope.model.networks.preprocessing import resize_face

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is, in the same unit."""

CHUNK_FILES = 512

_FER2013_FILE = re.compile(rf"({'|'.join(FER2013_SPLITS)})_\d+\.\w+$", re.ASCII)


@dataclass(frozen=True)
class Layout:
    """Which file belongs to which split and class.

    Attributes:
        class_names: In the order of the labels.
        files: For each split, training first, its ``(relative path, label)`` in sorted order.
        notes: What was recognised and what was left out, one sentence each.
        made_splits: Whether the splits were made here.
    """

    class_names: tuple[str, ...]
    files: dict[str, list[tuple[str, int]]]
    notes: tuple[str, ...]
    made_splits: bool = False

    @property
    def has_fer2013_splits(self) -> bool:
        """Whether the splits are FER-2013's own."""
        return not self.made_splits and all(split in FER2013_SPLITS for split in self.files)


def recover_layout(tree: FileTree) -> Layout:
    """Sort a tree's files into splits and classes by their folders and names.

    The seven class names of FER-2013 (and their synonyms, in any case) are put into FER-2013's order; any
    other set of names is sorted. Files that are all called ``Training_N``, ``PublicTest_N`` or ``PrivateTest_N`` go
    into the split that their name says, whatever folder they are in.

    Raises:
        DataError: There are no images in such folders, or a class has none in any split.
    """
    root = find_layout_root(tree)
    if root is None:
        return _flat_layout(tree)
    prefix = "" if root == "." else f"{root}/"
    above = {
        path.removeprefix(prefix).split("/")[0]
        for path in tree.paths
        if _is_placed(path, prefix) and is_image_name(path)
    }
    if len(above) == 1 and not any(map(is_split_name, above)):
        return _flat_layout(tree, f"{prefix}{above.pop()}/")  # a folder around those of the classes
    placed = [path for path in tree.paths if _is_placed(path, prefix)]
    folders = [path.removeprefix(prefix).split("/") for path in placed]
    by_name = [_FER2013_FILE.match(file) for _, _, file in folders]
    standard = standard_names({split for split, *_ in folders})
    splits = [
        found[1] if found and all(by_name) else standard[split]
        for found, (split, *_) in zip(by_name, folders, strict=True)
    ]
    order = order_classes(folder for _, folder, _ in folders)
    _refuse_empty_folders(tree, root, order)
    if len(order.names) < 2:
        raise DataError(f"{tree.name} has only one class, {order.names[0]}.", "Add a folder for each further class.")
    files: dict[str, list[tuple[str, int]]] = {split: [] for split in sorted(set(splits), key=split_rank)}
    for path, split, (_, folder, _) in zip(placed, splits, folders, strict=True):
        files[split].append((path, order.label(folder)))
    return Layout(order.names, files, (*order.notes, *_notes(tree, files)))


def _flat_layout(tree: FileTree, prefix: str = "") -> Layout:
    """Take ``<class>/<image>`` folders for one split, and part it where there are enough images."""
    depth = prefix.count("/") + 1
    placed = [
        path for path in tree.paths if path.startswith(prefix) and path.count("/") == depth and is_image_name(path)
    ]
    folders = [path.split("/")[depth - 1] for path in placed]
    order = order_classes(folders)
    if len(order.names) < 2 or all(map(is_split_name, order.label_of)):
        raise _no_layout(tree)  # folders of splits whose images have no class
    labels = np.array([order.label(folder) for folder in folders])
    samples = list(zip(placed, labels.tolist(), strict=True))
    by_name = [_FER2013_FILE.match(path.rpartition("/")[2]) for path in placed]
    if all(by_name):
        names = [found[1] for found in by_name if found]
        files = {
            split: [s for s, name in zip(samples, names, strict=True) if name == split] for split in FER2013_SPLITS
        }
        files = {split: chosen for split, chosen in files.items() if chosen}
        return Layout(order.names, files, (*order.notes, *_notes(tree, files)))
    files, note = _part(samples, labels)
    return Layout(order.names, files, (note, *order.notes, *_notes(tree, files)), made_splits=ALL not in files)


def _is_placed(path: str, prefix: str) -> bool:
    """Tell whether a path is ``<split>/<class>/<file>`` below a prefix."""
    return path.startswith(prefix) and path.count("/") == prefix.count("/") + 2


def _part(samples: list[tuple[str, int]], labels: np.ndarray) -> tuple[dict[str, list[tuple[str, int]]], str]:
    """Make splits of samples that have none, and say so; one split, ``all``, where they are too few."""
    chosen, note = make_splits(labels, [path for path, _ in samples])
    if chosen is None:
        return {ALL: samples}, note
    return {name: [samples[k] for k in part] for name, part in split_parts(chosen).items()}, note


def read_images(
    tree: FileTree, layout: Layout, size: tuple[int, int], channels: int, progress: Progress | None = None
) -> dict[str, Split]:
    """Decode all images of a layout.

    Gray images and colour images in shades of gray hash alike, so a copy saved in another lossless form is known.

    Raises:
        DataError: A file is no image; the message names it.
    """
    total = sum(len(files) for files in layout.files.values())
    splits, done = {}, 0
    for name, files in layout.files.items():
        images = np.empty((len(files), *size, channels), np.uint8)
        hashes = np.empty(len(files), np.uint64)
        for start, chunk in _read_chunks(tree, [path for path, _ in files], lambda data: _decode(data, size, channels)):
            for k, (image, pixel_hash) in enumerate(chunk, start):
                images[k], hashes[k] = image, pixel_hash
            done += len(chunk)
            if progress is not None:
                progress(done, total)
        labels = np.array([label for _, label in files], np.int64)
        splits[name] = Split(images, labels, hashes, np.array([path for path, _ in files]))
    return splits


def layout_key(tree: FileTree, layout: Layout) -> str:
    """Identify a layout and the content of all its files, without reading them: 32 hexadecimal digits."""
    digest = hashlib.blake2b(repr((tree.name, layout.class_names)).encode(), digest_size=16)
    for split, files in layout.files.items():
        for path, label in files:
            digest.update(f"{split}/{label}/{path}:{tree.stamp(path)}\n".encode())
    return digest.hexdigest()


def _read_chunks(tree: FileTree, paths: Sequence[str], convert: Callable[[bytes], T]) -> Iterator[tuple[int, list[T]]]:
    """Yield ``(start, converted contents)`` for chunks of files, read in several threads."""

    def read(path: str) -> T:
        try:
            return convert(tree.read(path))
        except ImageError as error:
            raise DataError(f"{path}: {error.message}", "Remove or replace this file.") from error
        except (OSError, EOFError, BadZipFile, zlib.error) as error:
            raise DataError(f"{path} cannot be read ({error}).", "Copy the data set again.") from error

    with ThreadPoolExecutor(min(8, available_cores())) as pool:
        for start in range(0, len(paths), CHUNK_FILES):
            yield start, list(pool.map(read, paths[start : start + CHUNK_FILES]))


def _decode(data: bytes, size: tuple[int, int], channels: int) -> tuple[np.ndarray, int]:
    frame_bgr = decode_image(data)
    blue, green, red = cv2.split(frame_bgr)
    is_gray = np.array_equal(blue, green) and np.array_equal(green, red)
    pixels = blue if is_gray else cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2RGB)
    return resize_face(pixels, size, channels), hash_pixels(pixels)


def _refuse_empty_folders(tree: FileTree, root: str, order: ClassOrder) -> None:
    """Raise for a split without images, and for a class without images in any split."""
    for folder in tree.empty_folders:
        path = PurePosixPath(folder)
        if not path.is_relative_to(root):
            continue
        inside = path.relative_to(root).parts
        is_split = len(inside) == 1 and is_split_name(inside[0])
        is_class = len(inside) == 2 and inside[1].casefold() not in order.label_of
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
