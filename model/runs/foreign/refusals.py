"""Files of other programs that are known and not opened, each with what to give in its place.

Source: torch/serialization.py, torch/export/pt2_archive (what
PyTorch's zips hold).
"""

from __future__ import annotations

import io
from zipfile import BadZipFile, ZipFile

from emoscope.model.errors import RunError
from emoscope.model.runs.foreign.source import Source

_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_ZIP = b"PK\x03\x04"
_TO_JSON = (
    'python -c "import json, pickle, sys; '
    "json.dump(pickle.load(open(sys.argv[1], 'rb')), open('history.json', 'w'), default=float)\" {name}"
)
_TO_ONNX = (
    "Export the network where it was made: `{load}`, `example = torch.zeros(1, CHANNELS, HEIGHT, WIDTH)`, `{export}`. "
    "Then run `python -m training evaluate model.onnx`, or give its predictions as CSV."
)
_EXPORT = "torch.onnx.export(model, (example,), 'model.onnx')"


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
    if content.startswith(_ZIP):
        _refuse_torch(source)


def _refuse_torch(source: Source) -> None:
    try:
        names = ["/" + name for name in ZipFile(io.BytesIO(source.content)).namelist()]
    except (BadZipFile, ValueError, OSError):
        return  # its reader says what is wrong with it
    if any(name.endswith("/archive_format") for name in names):
        load, export = f"program = torch.export.load('{source.name}')", _EXPORT.replace("model,", "program,")
        what = "a program that PyTorch exported"
    elif any("/code/__torch__" in name for name in names):
        load, export = f"model = torch.jit.load('{source.name}').eval()", _EXPORT
        what = "a network in TorchScript"
    elif any(name.endswith("/data.pkl") for name in names):
        load, export = f"model.load_state_dict(torch.load('{source.name}')); model.eval()", _EXPORT
        what = "a pickle of PyTorch: weights without their network"
    else:
        return
    raise RunError(f"{source.name} is {what}, which is not run here.", _TO_ONNX.format(load=load, export=export))
