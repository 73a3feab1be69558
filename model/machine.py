"""The machine that this process runs on, and how many of its cores it may use."""

from __future__ import annotations

import math
import os
import platform
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_OLD_QUOTA = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
_OLD_PERIOD = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def available_cores() -> int:
    """Return how many cores this process may use, at least 1: by its affinity and by its container's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, math.ceil(_quota() or cores)))


def half_of_the_cores(most: int | None = None) -> int:
    """Return how many threads to give work that shares the machine with as much other work, at least 1."""
    half = max(1, available_cores() // 2)
    return min(half, most) if most else half


def machine_name() -> str:
    """Return the architecture and the cores in use, for people."""
    return f"{platform.machine()}, {available_cores()} cores"


def _quota() -> float | None:
    """Return the cores that the container's control group allows; None where it sets no limit."""
    try:
        if _QUOTA.is_file():
            quota, period = _QUOTA.read_text().split()
        else:
            quota, period = _OLD_QUOTA.read_text(), _OLD_PERIOD.read_text()
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):  # "max" is no number
        return None
