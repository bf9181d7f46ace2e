"""Compile the kernels once for a machine, and keep what came of it."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
SOURCES = tuple(FOLDER / f"{name}.cpp" for name in ("products", "norms", "updates"))
COMPILERS = ("g++", "clang++", "c++")
OPTIONS = (
    *("-O3", "-march=native", "-fno-math-errno", "-fopenmp-simd"),
    *("-std=c++17", "-shared", "-fPIC"),
)
PATIENCE = 120.0  # seconds after which a compiler is given up; it takes 5 on one core
SWITCH = "TORCHCLINIC_KERNELS"  # environment variable; "off" leaves all to torch


def switched_off() -> bool:
    """Whether the user wants no compiled kernels."""
    return os.environ.get(SWITCH, "").lower() in ("off", "0", "no")


def library_file() -> Path:
    """Where this machine's library is kept: its name tells source, options and processor."""
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in SOURCES))
    digest.update(" ".join(OPTIONS).encode())
    digest.update(_processor().encode())
    return _folder() / f"kernels-{digest.hexdigest()[:16]}.so"


def compiler() -> str | None:
    """Path of a C++ compiler; None without one."""
    return next((path for name in COMPILERS if (path := shutil.which(name))), None)


def compile_library(target: Path) -> bool:
    """Compile the kernels to `target`; whether that succeeded.

    The file appears whole or not at all, so that several processes may try at once.
    """
    found = compiler()
    if found is None:
        return False
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            made = Path(folder) / target.name
            command = [found, *OPTIONS, *map(str, SOURCES), "-o", str(made)]
            subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)  # noqa: S603
            made.chmod(0o700)  # whatever the umask: see `ours`
            made.replace(target)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def ours(file: Path) -> bool:
    """Whether nobody but this user could have written a file."""
    try:
        status = file.stat()
    except OSError:
        return False
    return not hasattr(os, "getuid") or (
        status.st_uid == os.getuid() and not status.st_mode & 0o022
    )


def _folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "torchclinic"


def _processor() -> str:
    """What `-march=native` goes by."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    told = (line for line in lines if line.startswith(("model name", "flags", "Features")))
    return "\n".join([platform.machine(), platform.processor(), *sorted(set(told))])
