"""Images in files: read and decoded as their layout says."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
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
