"""Networks of PyTorch, turned into ONNX: what ``torch.jit.save`` and ``torch.export.save`` wrote.

Both are programs for PyTorch's own interpreters, without Python code. They are opened in a process of their own, with
bounded time and memory, in which PyTorch may unpickle nothing but arrays.

Source: torch/jit/_serialization.py, torch/export/__init__.py, torch/onnx/utils.py of PyTorch 2.13
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emoscope.model.errors import RunError, reason_of
from emoscope.model.networks.trial import limit_this_process
from emoscope.model.places import module_environment
from emoscope.model.runs.foreign.refusals import refuse_weights, torch_kind

SUFFIXES = (".pt2", ".pt", ".pth", ".ts", ".torchscript")
SECONDS = 180
MEMORY = 16 << 30
"""Bytes of address space, PyTorch's own included."""
EXAMPLES = 2
"""Images in the batch with which a network is traced, where it takes any number."""


@contextmanager
def as_onnx(file: Path, input_size: tuple[int, int] | None) -> Iterator[Path]:
    """Give the file itself, or for a network of PyTorch an ONNX file that computes the same and goes afterwards.

    Args:
        file: Of any network.
        input_size: Height and width of the input, which TorchScript does not say.

    Raises:
        RunError: PyTorch is not installed, or it cannot turn the network into ONNX; weights without their network.
    """
    kind = torch_kind(file) if file.is_file() and file.suffix.lower() in SUFFIXES else ""
    if not kind:
        yield file
        return
    if kind == "weights":
        refuse_weights(file.name)
    if importlib.util.find_spec("torch") is None:
        raise RunError(
            f"{file.name} is a network of PyTorch, which is not installed.",
            "Run `pip install torch`, or export to ONNX.",
        )
    if kind == "script" and input_size is None:
        raise RunError(f"{file.name} does not say the size of its input.", "Name it, e.g. with --input-size 48x48.")
    with tempfile.TemporaryDirectory(prefix="emoscope-") as folder:
        target = Path(folder) / f"{file.stem}.onnx"
        _convert_elsewhere(file, target, kind, input_size)
        yield target


def _convert_elsewhere(file: Path, target: Path, kind: str, input_size: tuple[int, int] | None) -> None:
    sides = [str(side) for side in input_size or ()]
    command = [
        sys.executable,
        "-P",
        "-m",
        "emoscope.training.foreign.torch_files",
        kind,
        str(file.resolve()),
        str(target),
    ]
    environment = module_environment(TORCH_FORCE_WEIGHTS_ONLY_LOAD="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    try:
        done = subprocess.run(
            [*command, *sides], env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        reason = (done.stdout.strip().splitlines() or [f"PyTorch ended with status {done.returncode}"])[-1]
    except subprocess.TimeoutExpired:
        reason = f"it took more than {SECONDS} seconds"
    if not target.is_file():
        raise RunError(
            f"{file.name} cannot be turned into an ONNX network ({reason}).",
            "Export it where it was made: torch.onnx.export(model, (example,), 'model.onnx').",
        )


def convert(kind: str, file: str, target: str, input_size: tuple[int, int] | None = None) -> None:
    """Write a network as ONNX, for inputs of shape (batch, channels, height, width).

    Args:
        kind: ``script`` or ``program``.
        file: That PyTorch wrote.
        target: ONNX file.
        input_size: Height and width, where the file does not say them.
    """
    torch: Any = importlib.import_module("torch")
    with torch.no_grad():
        if kind == "program":
            program: Any = torch.export.load(file)
            shape = _shape(program, input_size)
            example = torch.rand(shape)
            network = torch.jit.trace(program.module(), example)
            is_free = not isinstance(_dimensions(program)[0], int)
        else:
            network = torch.jit.load(file, map_location="cpu").eval()
            example = _accepted(network, input_size or (48, 48))
            is_free = True
        axes = {"image": {0: "batch"}} if is_free else None
        torch.onnx.export(network, (example,), target, input_names=["image"], dynamic_axes=axes, dynamo=False)


def _dimensions(program: Any) -> list[Any]:
    """Return the sides of the program's only input: numbers, and symbols where any is taken."""
    taken = program.graph_signature.user_inputs
    [found] = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in taken]
    return list(found.shape)


def _shape(program: Any, input_size: tuple[int, int] | None) -> list[int]:
    sides = _dimensions(program)
    if len(sides) != 4:
        raise ValueError(f"its input has {len(sides)} dimensions, and images have batch, channels, height and width")
    asked = (EXAMPLES, 1, *(input_size or (0, 0)))
    shape = [side if isinstance(side, int) else own for side, own in zip(sides, asked, strict=True)]
    if 0 in shape:
        raise ValueError("it takes images of any size, so name one with --input-size 48x48")
    return shape


def _accepted(network: Any, size: tuple[int, int]) -> Any:
    """Return an example of one channel or three, whichever the network takes."""
    torch: Any = importlib.import_module("torch")
    for channels in (1, 3):
        example = torch.rand(EXAMPLES, channels, *size)
        try:
            network(example)
            return example
        except RuntimeError as error:
            reason = error
    raise ValueError(f"it takes no gray or colour image of {size[0]} × {size[1]}: {reason_of(reason)}")


def main(kind: str, file: str, target: str, *sides: str) -> None:
    """Convert in this process; print why not."""
    limit_this_process(MEMORY, SECONDS)
    warnings.simplefilter("ignore")
    try:
        convert(kind, file, target, (int(sides[0]), int(sides[1])) if sides else None)
    except Exception as error:  # PyTorch raises nearly anything on a file that is foreign or broken
        Path(target).unlink(missing_ok=True)
        print(reason_of(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
