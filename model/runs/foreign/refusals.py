"""Files of other programs that are known and not opened, each with what to give in its place.

Source: torch/serialization.py, torch/export/pt2_archive (what PyTorch's zips hold).
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn
from zipfile import BadZipFile, ZipFile

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.source import Source

_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_TO_JSON = (
    'python -c "import json, pickle, sys; '
    "json.dump(pickle.load(open(sys.argv[1], 'rb')), open('history.json', 'w'), default=float)\" {name}"
)


def refuse(source: Source) -> None:
    """Raise where a file is one of those.

    Raises:
        RunError: It is; the sentence says what it is and what to do.
    """
    content = source.content
    if content.startswith(_PICKLES) or (content[:1] in (b"(", b"}") and content.endswith(b".")):
        raise RunError(
            f"{source.name} is a pickle, which runs code when it is opened, so it is not opened here.",
            f"If you made it yourself, turn it into JSON: {_TO_JSON.format(name=source.name)}",
        )
    kind = torch_kind(source.path)
    if kind == "weights":
        refuse_weights(source.name)
    if kind:
        raise RunError(
            f"{source.name} is a network of PyTorch, not its results.",
            f"Score it, which makes a run of it: python -m training evaluate {source.name}",
        )


def torch_kind(file: Path) -> str:
    """Tell what PyTorch wrote: ``script`` (TorchScript), ``program`` (``torch.export``) or ``weights``; empty else."""
    try:
        with ZipFile(file) as archive:
            names = ["/" + name for name in archive.namelist()]
    except (BadZipFile, ValueError, OSError):
        return ""  # its reader says what is wrong with it
    if any(name.endswith("/archive_format") for name in names):
        return "program"
    if any("/code/__torch__" in name for name in names):
        return "script"
    return "weights" if any(name.endswith("/data.pkl") for name in names) else ""


def refuse_weights(name: str) -> NoReturn:
    """Say what to do with a file that holds weights without their network.

    Raises:
        RunError: Always.
    """
    raise RunError(
        f"{name} is a pickle of PyTorch: weights without their network, which is not opened here.",
        f"Export the network where it was made: `model.load_state_dict(torch.load('{name}')); model.eval()`, "
        "`example = torch.zeros(1, CHANNELS, HEIGHT, WIDTH)`, `torch.onnx.export(model, (example,), 'model.onnx')`. "
        "Then run `python -m training evaluate model.onnx`, or give its predictions as CSV.",
    )
