"""Tells whether all that Emoscope needs is made for this machine, before anything is installed.

``make`` runs ``python model/supported.py`` first: on any Python from 3.6 on, without packages.
"""

import platform
import re
import sys
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)
"""Versions of Python for which TensorFlow is made; the app without it runs on newer ones as well."""

_WITHOUT_TENSORFLOW = (
    "`pip install '.[app]'` and `emoscope serve` give all but training and networks in Keras files without TensorFlow."
)


def obstacle(version: "tuple[int, int]", system: str, machine: str, flags: "set[str] | None" = None) -> str:
    """Return why the full set-up cannot work here, and what does, as sentences; empty where nothing is in the way.

    Args:
        version: Of Python, major and minor.
        system: As ``platform.system()`` calls it.
        machine: As ``platform.machine()`` calls it.
        flags: The processor's features, as Linux lists them; None where they are not known.
    """
    machine = machine.lower()
    found = f"{version[0]}.{version[1]}"
    if version < OLDEST:
        return (
            f"Emoscope needs Python 3.11 to 3.13; this is {found}. Install one, or name it by `make run PYTHON=PATH`."
        )
    if system == "Darwin" and machine == "x86_64":
        return (
            "LiteRT and TensorFlow are no longer made for Macs with Intel processors. Run Emoscope in Docker (see "
            "deploy/README.md), or open one that runs elsewhere in your browser."
        )
    if system == "Windows" and machine in ("arm64", "aarch64"):
        return (
            "LiteRT and TensorFlow are not made for Windows on ARM. Use a Python for x64, which Windows runs there, or "
            "Linux in WSL."
        )
    if version > NEWEST:
        return f"TensorFlow is not made for Python {found} yet. Use Python 3.11 to 3.13, or {_WITHOUT_TENSORFLOW}"
    if machine in ("x86_64", "amd64") and flags is not None and "avx" not in flags:
        return f"This processor lacks AVX, which TensorFlow needs. {_WITHOUT_TENSORFLOW}"
    return ""


def processor_features() -> "set[str] | None":
    """Return the features of the processor that Linux lists; None where it lists none."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
    return set(found.group(1).split()) if found else None


if __name__ == "__main__":
    sys.exit(obstacle(sys.version_info[:2], platform.system(), platform.machine(), processor_features()) or 0)
