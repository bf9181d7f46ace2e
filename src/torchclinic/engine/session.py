"""What calls of one engine after the other may share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def engine_session(
    engine: str, *, address: str | None = None, parallel: int | None = None
) -> Iterator[None]:
    """Inside, calls of `run_arms` share what an engine takes seconds to start.

    That is Ray's connection or its cluster on this machine; the other engines start nothing.

    Args:
        engine: As in `run_arms`.
        address: Of a Ray cluster; None starts one on this machine and ends it on exit.
        parallel: Cores of that cluster; None for all.

    Raises:
        UsageError: If Ray is not installed or there is no cluster at the address.

    >>> with engine_session("sequential"):
    ...     "nothing was started"
    'nothing was started'
    """
    if engine != "ray":
        yield
        return
    from torchclinic.engine.ray.cluster import connected, import_ray

    with connected(import_ray(), address, cores=parallel, size=None):
        yield
