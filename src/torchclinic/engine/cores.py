"""How many processor cores this process may use."""

from __future__ import annotations

import os
from contextvars import ContextVar
from pathlib import Path

_CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")
_one_only = ContextVar("one_only", default=False)


def keep_to_one_core() -> None:
    """Let `available_cores` say 1 from now on: the other cores are for other workers."""
    _one_only.set(True)


def available_cores() -> int:
    """Cores that this process is allowed to run on, within a container's quota.

    >>> available_cores() >= 1
    True
    """
    if _one_only.get():
        return 1
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return max(1, min(allowed, _quota(_CGROUP_LIMIT) or allowed))


def _quota(path: Path) -> int | None:
    """Whole cores in a cgroup v2 `cpu.max` file ("200000 100000" is 2), None without a limit."""
    try:
        allowance, period = path.read_text(encoding="ascii").split()
        return max(1, int(allowance) // int(period))
    except (OSError, ValueError):  # no cgroup, or "max": no limit
        return None
