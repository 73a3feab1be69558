"""A first opening of a network in a process of its own, for the interpreters trust what a file says of itself.

A ``.tflite`` file whose operators name tensors that are not there makes LiteRT read memory that is not its own, and
ends the process: in the app, for every visitor. So a network that the project did not ship is opened and run once
elsewhere, with bounded time and memory; where that process dies, the network is refused.
"""

from __future__ import annotations

import hashlib
import math
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from emoscope.model.errors import RunError
from emoscope.model.places import module_environment

SECONDS = 20
"""How long a network may take to open and to run three batches."""
MEMORY = 4 << 30
"""Bytes of address space that it may take meanwhile, the interpreter's own included."""
RESIDENT = 500_000_000
"""Bytes of memory that it may really use, besides four times the file's: weights are unpacked and packed anew."""
TOO_LARGE = 3
"""Exit status of the process that tries it."""
BATCHES = (1, 3, 2)
"""Another size makes an interpreter plan its memory anew."""

SHIPPED = Path(__file__).with_name("shipped.sha256")
"""Hashes of the networks that come with the project, as ``sha256sum`` writes them."""

_lock = threading.Lock()
_proven: set[str] = set()


def ensure_it_survives(file: Path, runtime: str) -> None:
    """Open and run a network in another process, unless it is shipped or was tried by this process before.

    Args:
        file: Of one network.
        runtime: ``litert`` or ``onnx``.

    Raises:
        RunError: The file cannot be read, or the process died, or took too long or too much memory. An error that the
            runtime reports itself is none of these: whoever opens the network next meets it, too.
    """
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise RunError(f"{file.name} cannot be read ({error.strerror}).", "Copy it again.") from error
    if digest in _shipped():
        return
    with _lock:  # of two threads that open the same network, one tries it
        if digest in _proven:
            return
        _try(file, runtime)
        _proven.add(digest)


@cache
def _shipped() -> frozenset[str]:
    with suppress(OSError):
        return frozenset(line.split()[0] for line in SHIPPED.read_text("ascii").splitlines() if line)
    return frozenset()


def _try(file: Path, runtime: str) -> None:
    command = [sys.executable, "-P", "-m", "emoscope.model.networks.trial", runtime, str(file.resolve())]
    environment = module_environment(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RunError(
            f"{file.name} took more than {SECONDS} seconds to open and run once, and was stopped.",
            "Give a smaller network, or export it again.",
        ) from error
    if done.returncode == TOO_LARGE:
        raise RunError(
            f"{file.name} takes over {RESIDENT / 1e6:.0f} MB of memory for two or three faces.",
            "Give a smaller network.",
        )
    if done.returncode:
        raise RunError(
            f"{file.name} ends the program that runs it ({_reason(done.returncode)}), so it is not opened.",
            "The file is damaged or was changed: export it again from its source.",
        )


def _reason(returncode: int) -> str:
    with suppress(ValueError):
        return signal.Signals(-returncode).name
    return f"exit status {returncode}"


def _resident() -> int:
    """Return the most memory that this process has used, in bytes; 0 where the system does not tell.

    Not by ``getrusage``: that counts the memory of the process that started this one, too.
    """
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def limit_this_process(memory: int = MEMORY, seconds: int = SECONDS) -> None:
    """Bound the address space in bytes and the processor time of this process; on Windows nothing is bounded."""
    try:
        import resource
    except ImportError:  # Windows: the time is limited all the same
        return
    for limit, value in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(limit)
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (allowed, allowed))


def main(runtime: str, file: str) -> None:
    """Open and run a network; what the runtime refuses by itself is no failure."""
    limit_this_process()
    with suppress(Exception):
        RUNTIMES[runtime](file)
    allowed = RESIDENT + 4 * Path(file).stat().st_size
    if _resident() > allowed:
        sys.exit(TOO_LARGE)


def _run_litert(file: str) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter: Any = Interpreter(file, num_threads=1)
    (taken,) = interpreter.get_input_details()
    fixed = int(taken["shape_signature"][0])
    for size in (fixed,) if fixed > 0 else BATCHES:
        shape = [size, *(int(side) for side in taken["shape_signature"][1:])]
        interpreter.resize_tensor_input(taken["index"], shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(taken["index"], noise(shape, taken["dtype"]))
        interpreter.invoke()
        for given in interpreter.get_output_details():
            interpreter.get_tensor(given["index"])


def _run_onnx(file: str) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    for size in (taken.shape[0],) if isinstance(taken.shape[0], int) else BATCHES:
        # Sides that are open are tried with that of the faces of FER-2013.
        shape = [size, *(side if isinstance(side, int) else 48 for side in taken.shape[1:])]
        session.run(None, {taken.name: noise(shape, np.float32)})


RUNTIMES: Mapping[str, Callable[[str], None]] = {"litert": _run_litert, "onnx": _run_onnx}


def noise(shape: Sequence[int], dtype: Any) -> np.ndarray:
    """Make pixels 0..255 of a shape: multiples of the golden ratio, for numpy.random would slow the start."""
    return (np.arange(math.prod(shape)) * 157.66 % 256).astype(dtype).reshape(shape)


if __name__ == "__main__":
    main(*sys.argv[1:])
