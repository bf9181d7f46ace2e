"""Fetch a file from mirrors, check it, and put it in place only when it is whole."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path

from torchclinic.core import DataError, OutputError

TIMEOUT_SECONDS = 20.0


def download(name: str, mirrors: Sequence[str], sha256: str, folder: Path) -> Path:
    """Fetch `name` from the first mirror that has it whole, into `folder`.

    Args:
        name: File name, appended to each mirror's address.
        mirrors: Addresses ending in "/".
        sha256: Hex digest of the file's bytes.
        folder: Where it goes; made if it is missing.

    Returns:
        Its path.

    Raises:
        DataError: If no mirror delivers the file that was asked for; says what each answered.
        OutputError: If `folder` cannot be written.
    """
    answers: list[str] = []
    for mirror in mirrors:
        try:
            with urllib.request.urlopen(mirror + name, timeout=TIMEOUT_SECONDS) as reply:  # noqa: S310 - mirrors are constants
                content = reply.read()
        except (urllib.error.URLError, HTTPException, TimeoutError, OSError) as error:
            answers.append(f"{mirror}: {error}")
            continue
        digest = hashlib.sha256(content).hexdigest()
        if digest == sha256:
            return _put(content, folder / name)
        answers.append(f"{mirror}: another file, sha256 {digest}")
    raise DataError(f"{name} cannot be downloaded: " + "; ".join(answers))


def _put(content: bytes, path: Path) -> Path:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent} cannot be written: {error}") from error
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"{path} cannot be written: {error}") from error
    return path
