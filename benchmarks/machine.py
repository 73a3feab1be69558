"""Which machine a figure was measured on."""

from __future__ import annotations

import platform
from pathlib import Path

from emoscope.model.machine import available_cores


def describe_machine() -> dict[str, str | int]:
    """Return processor, cores, operating system and Python version."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    return {
        "processor": processor,
        "cores": available_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
