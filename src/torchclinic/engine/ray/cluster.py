"""A connection to a Ray cluster, or a small cluster of our own on this machine."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from torchclinic.core import UsageError
from torchclinic.engine.cores import available_cores

_SPARE_BYTES = 256 * 2**20  # of the object store, for results and for copies on their way
_LOCAL_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anybody
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Ray's coming default, which it warns about
}


def import_ray() -> ModuleType:
    """The ray package.

    Raises:
        UsageError: If it is not installed.
    """
    try:
        import ray
        import ray.cloudpickle
        import ray.exceptions
    except ImportError as error:
        raise UsageError(
            f"the engine 'ray' needs Ray, which is not installed: {error}",
            hint='pip install "torchclinic[ray]"',
        ) from error
    return ray


@contextmanager
def connected(
    ray: ModuleType, address: str | None, *, cores: int | None, size: int | None
) -> Iterator[None]:
    """Inside, Ray is connected; what is set up here is taken down on exit.

    A connection that this process already has is used and left open.

    Args:
        ray: The package.
        address: Of a running cluster; None starts one on this machine.
        cores: Of the cluster that is started; None for all.
        size: Bytes that will be put into its object store; None leaves that to Ray.

    Raises:
        UsageError: If there is no cluster at the address.
    """
    if ray.is_initialized():
        yield
        return
    with _environment(), _handlers_kept():
        try:
            _connect(ray, address, cores, size)
            yield
        finally:
            ray.shutdown()


def _connect(ray: ModuleType, address: str | None, cores: int | None, size: int | None) -> None:
    quiet = {"configure_logging": False, "logging_level": logging.ERROR, "log_to_driver": False}
    if address is None:
        ray.init(
            address="local",
            num_cpus=cores or available_cores(),
            include_dashboard=False,
            object_store_memory=None if size is None else size + size // 4 + _SPARE_BYTES,
            **quiet,
        )
        return
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise UsageError(
            f"there is no Ray cluster at {address!r}: {error}",
            hint="start one with `ray start --head`, or give no address for one on this machine",
        ) from error


@contextmanager
def _environment() -> Iterator[None]:
    """Environment variables of a cluster of our own; what the user has set stays as it is."""
    added = {name: value for name, value in _LOCAL_ENVIRONMENT.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Ray installs a handler of SIGTERM of its own; afterwards the old one is back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
