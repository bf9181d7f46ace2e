"""The IDX file format: magic number, sizes, then the elements, big-endian, often gzipped.

Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database (file formats section).
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from torchclinic.core import DataError

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: str | Path) -> np.ndarray[Any, Any]:
    r"""Read an IDX file, gzipped or not.

    Args:
        path: The file.

    Returns:
        The array, in the machine's byte order.

    Raises:
        DataError: If it cannot be read, is cut off, or is no IDX file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "labels")
    ...     _ = path.write_bytes(b"\x00\x00\x08\x01\x00\x00\x00\x02\x05\x07")
    ...     read_idx(path).tolist()
    [5, 7]
    """
    return parse_idx(read_bytes(path), str(path))


def read_bytes(path: str | Path) -> bytes:
    """Contents of a file, unpacked if it is gzipped.

    Raises:
        DataError: If it cannot be read or is cut off.
    """
    try:
        raw = Path(path).read_bytes()
        return gzip.decompress(raw) if raw.startswith(GZIP_MAGIC) else raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path} is a damaged gzip file: {error}", hint="delete it and fetch it again"
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def parse_idx(content: bytes, name: str) -> np.ndarray[Any, Any]:
    """The array in the bytes of an IDX file; `name` is quoted in errors."""
    if len(content) < 4 or content[:2] != b"\x00\x00" or content[2] not in DTYPES:
        raise DataError(
            f"{name} is no IDX file: it starts with {content[:4].hex(' ') or 'nothing'}",
            hint="an IDX file starts with 00 00, an element type and the number of dimensions",
        )
    dtype, dimensions = np.dtype(DTYPES[content[2]]), content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataError(f"{name} ends within its header of {start} bytes")
    sizes = struct.unpack(f">{dimensions}I", content[4:start])
    wanted, found = math.prod(sizes) * dtype.itemsize, len(content) - start
    if wanted != found:
        raise DataError(
            f"{name} says {sizes} elements, {wanted} bytes, but holds {found}",
            hint="it is cut off or was overwritten: fetch it again",
        )
    array = np.frombuffer(content, dtype=dtype, offset=start).reshape(sizes)
    return array.astype(dtype.newbyteorder("="))
