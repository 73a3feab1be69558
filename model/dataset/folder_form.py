"""Images in files: read and decoded as their layout says."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from zipfile import BadZipFile

import cv2
import numpy as np

from emoscope.model.dataset.file_tree import FileTree
from emoscope.model.dataset.layout import Layout
from emoscope.model.dataset.samples import Split, hash_pixels
from emoscope.model.errors import DataError, ImageError
from emoscope.model.images import decode_image
from emoscope.model.machine import available_cores
from emoscope.model.networks.preprocessing import resize_face

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is, in the same unit."""

CHUNK_FILES = 512
MAX_BROKEN = 0.05
"""Share of images that may be broken; with more the data set is refused."""

LISTED = 20
"""How many broken images are named."""


def read_images(
    tree: FileTree, layout: Layout, size: tuple[int, int], channels: int, progress: Progress | None = None
) -> dict[str, Split]:
    """Decode all images of a layout; those that are broken are left out, as :func:`left_out` tells.

    Gray images and colour images in shades of gray hash alike, so a copy saved in another lossless form is known.

    Raises:
        DataError: More than ``MAX_BROKEN`` of the files are no images; the message names the first.
    """
    total = sum(len(files) for files in layout.files.values())
    splits, done = {}, 0
    broken: list[DataError] = []
    for name, files in layout.files.items():
        images = np.empty((len(files), *size, channels), np.uint8)
        hashes = np.empty(len(files), np.uint64)
        whole = np.ones(len(files), bool)
        for start, chunk in _read_chunks(tree, [path for path, _ in files], lambda data: decode(data, size, channels)):
            for k, decoded in enumerate(chunk, start):
                if isinstance(decoded, DataError):
                    broken.append(decoded)
                    whole[k] = False
                else:
                    images[k], hashes[k] = decoded
            refuse_many(broken, total)
            done += len(chunk)
            if progress is not None:
                progress(done, total)
        labels = np.array([label for _, label in files], np.int64)
        names = np.array([path for path, _ in files])
        if whole.all():
            splits[name] = Split(images, labels, hashes, names)
        elif whole.any():
            splits[name] = Split(images[whole], labels[whole], hashes[whole], names[whole])
    return splits


def refuse_many(broken: Sequence[DataError], total: int) -> None:
    """Raise the first error about an image where more than ``MAX_BROKEN`` of all are broken."""
    if len(broken) > MAX_BROKEN * total:
        count = f" {len(broken):,} or more of {total:,} images cannot be read." if len(broken) > 1 else ""
        raise DataError(broken[0].message + count, broken[0].action) from broken[0]


def left_out(layout: Layout, splits: Mapping[str, Split]) -> tuple[str, ...]:
    """Say which images of a layout were broken and left out, in a sentence; nothing where none was."""
    read = {path for split in splits.values() for path in split.names.tolist()}
    return broken_note([path for files in layout.files.values() for path, _ in files if path not in read])


def broken_note(names: Sequence[str]) -> tuple[str, ...]:
    """Name broken images in a sentence; nothing where there are none."""
    if not names:
        return ()
    count = "1 image that cannot be read was" if len(names) == 1 else f"{len(names):,} images that cannot be read were"
    further = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return (f"{count} left out: {', '.join(names[:LISTED])}{further}.",)


def layout_key(tree: FileTree, layout: Layout) -> str:
    """Identify a layout and the content of all its files, without reading them: 32 hexadecimal digits."""
    digest = hashlib.blake2b(repr((tree.name, layout.class_names)).encode(), digest_size=16)
    for split, files in layout.files.items():
        for path, label in files:
            digest.update(f"{split}/{label}/{path}:{tree.stamp(path)}\n".encode())
    return digest.hexdigest()


def _read_chunks(
    tree: FileTree, paths: Sequence[str], convert: Callable[[bytes], T]
) -> Iterator[tuple[int, list[T | DataError]]]:
    """Yield ``(start, converted contents or what is wrong)`` for chunks of files, read in several threads."""

    def read(path: str) -> T | DataError:
        try:
            return convert(tree.read(path))
        except ImageError as error:
            return DataError(f"{path}: {error.message}", "Remove or replace this file.")
        except (OSError, EOFError, BadZipFile, zlib.error) as error:
            return DataError(f"{path} cannot be read ({error}).", "Copy the data set again.")

    with ThreadPoolExecutor(min(8, available_cores())) as pool:
        for start in range(0, len(paths), CHUNK_FILES):
            yield start, list(pool.map(read, paths[start : start + CHUNK_FILES]))


def decode(data: bytes, size: tuple[int, int], channels: int) -> tuple[np.ndarray, int]:
    """Decode an image: at the size and with the channels wanted, uint8 (H, W, C), and the hash of its own pixels.

    Raises:
        ImageError: It is no image, or broken.
    """
    frame_bgr = decode_image(data)
    blue, green, red = cv2.split(frame_bgr)
    is_gray = np.array_equal(blue, green) and np.array_equal(green, red)
    pixels = blue if is_gray else cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2RGB)
    return resize_face(pixels, size, channels), hash_pixels(pixels)
