"""One checkpoint file that is always whole: written aside, forced to disk, then renamed."""

from __future__ import annotations

import contextlib
import os
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from torchclinic.core import CheckpointError
from torchclinic.training.checkpoint.pack import pack, raw_bytes, unpack

VERSION = "1"
_STATE, _CHECKSUM, _VERSION = "state", "crc32", "torchclinic checkpoint"


def write_checkpoint(path: Path, state: Any) -> None:
    """Replace the checkpoint at `path`; the one before stays beside it as `.previous`.

    The new file is written under `.tmp` and reaches the disk before it takes the name, so at any
    moment at least one of `path` and `.previous` is whole.

    Args:
        path: Where; missing folders are made.
        state: Nested values as `pack` takes them.

    Raises:
        CheckpointError: If it cannot be written; what was there before is untouched.
    """
    tensors, text = pack(state)
    header = {_VERSION: VERSION, _STATE: text, _CHECKSUM: str(_checksum(tensors, text))}
    aside = _beside(path, ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _save(tensors, header, aside)
        if path.exists():
            path.replace(_beside(path, ".previous"))
        aside.replace(path)
        _force_to_disk(path.parent)
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        kept = _kept_words(path)
        raise CheckpointError(
            f"the checkpoint {path} cannot be written: {error}",
            hint=f"free space or choose another path{kept}",
        ) from error


def read_checkpoint(path: Path) -> Any | None:
    """The newest whole checkpoint at `path`; None if there never was one.

    A damaged file is passed over, with a warning, for the one before it.

    Raises:
        CheckpointError: If there are files, but none is whole.
    """
    damage: list[str] = []
    for candidate in (path, _beside(path, ".previous")):
        if not candidate.exists():
            continue
        try:
            state = _load(candidate)
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            damage.append(f"{candidate}: {error}")
            continue
        if damage:
            warnings.warn(
                f"damaged checkpoint, going on from {candidate} ({damage[0]})", stacklevel=2
            )
            path.replace(_beside(path, ".damaged"))  # or it would become the previous good one
        return state
    if damage:
        raise CheckpointError(
            f"no whole checkpoint: {'; '.join(damage)}",
            hint="delete it to start from the beginning",
        )
    return None


def _save(tensors: dict[str, Tensor], header: Mapping[str, str], path: Path) -> None:
    save_file(tensors, path, metadata=dict(header))
    _force_to_disk(path)


def _load(path: Path) -> Any:
    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
        if header.get(_VERSION) != VERSION:
            raise ValueError("not a checkpoint of this version of torchclinic")
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    text = header[_STATE]
    if str(_checksum(tensors, text)) != header[_CHECKSUM]:
        raise ValueError("its checksum does not fit its content")
    return unpack(tensors, text)


def _checksum(tensors: Mapping[str, Tensor], text: str) -> int:
    total = zlib.crc32(text.encode())
    for name in sorted(tensors):
        total = zlib.crc32(raw_bytes(tensors[name]), total)
    return total


def _force_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _kept_words(path: Path) -> str:
    for candidate in (path, _beside(path, ".previous")):
        if candidate.exists():
            return f"; the last good one is {candidate}"
    return ""
