"""Metadata in a network's file: classes, input, licence, so that it can be used correctly without this program.

LiteRT files carry it as a zip archive behind the network, where TensorFlow Lite's own metadata lies as well; runtimes
do not look there, and any program for zip archives opens it (``unzip model.tflite``). ONNX has a place for it.

Source: TensorFlow Lite, "Adding metadata to TensorFlow Lite models", section on associated files.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from emoscope.model.runs.run import Normalization, RunInfo
from emoscope.version import __version__

LABELS = "labels.txt"
METADATA = "emoscope.json"
PIXELS = "pixels"
"""Name of an input that takes pixels 0..255 as they are: the network normalises them itself."""

_DATE = (1980, 1, 1, 0, 0, 0)  # the same network gives the same file


def metadata_of(info: RunInfo, batch: str = "batch") -> dict[str, Any]:
    """Return the metadata of an exported network.

    Args:
        info: Of the run.
        batch: How many images it takes at once, in words.
    """
    height, width = info.input_size
    return {
        "name": info.name,
        "classes": list(info.class_names),
        "input": PIXELS,
        "input_description": f"{'RGB' if info.channels == 3 else 'gray'} pixels 0..255, float32, shape "
        f"({batch}, {height}, {width}, {info.channels}), of a face cropped with some room around it",
        "outputs": {
            "probabilities": f"of the classes in order, float32, shape ({batch}, classes)",
            "activation_map": f"evidence for each class by place, where there is one; shape ({batch}, h, w, classes)",
        },
        "licence": info.licence,
        "written_by": f"Emoscope {__version__}",
    }


def append_metadata(file: Path, info: RunInfo, batch: str = "batch") -> None:
    """Put labels and metadata behind a LiteRT network; see :func:`metadata_of`."""
    entries = {
        LABELS: "".join(f"{name}\n" for name in info.class_names),
        METADATA: json.dumps(metadata_of(info, batch), indent=1, ensure_ascii=False),
    }
    with zipfile.ZipFile(file, "a") as archive:
        for name, text in entries.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), text)


def read_metadata(content: bytes) -> dict[str, Any]:
    """Return the metadata of a LiteRT network; empty where there is none, or another program wrote it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = json.loads(archive.read(METADATA))
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError):
        return {}
    return found if isinstance(found, dict) else {}


def normalization_of(metadata: dict[str, Any], info: RunInfo) -> Normalization:
    """Return what has to be done with pixels before a network takes them: nothing where it does so itself."""
    return Normalization("rescale", 1.0, 0.0) if metadata.get("input") == PIXELS else info.normalization
