"""One registry type for rules, remedies and probes: unique names, stable order, plugins."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from torchclinic.core.errors import RegistryError, UsageError

T = TypeVar("T")


class Registry(Generic[T]):
    """An ordered name -> member map in which a name is given once.

    Args:
        kind: What the members are, for messages ("rule").
        group: Entry-point group from which third parties add members; loaded on first use.

    >>> registry = Registry[int]("number")
    >>> _ = registry.add("one", 1)
    >>> registry["one"]
    1
    """

    def __init__(self, kind: str, group: str | None = None) -> None:
        self.kind = kind
        self._group = group
        self._members: dict[str, T] = {}

    def add(self, name: str, member: T) -> T:
        """Register `member`; a second member under `name` raises RegistryError."""
        if name in self._members:
            raise RegistryError(
                f"{self.kind} {name!r} is registered twice",
                hint="give one of the two another name",
            )
        self._members[name] = member
        return member

    def _load_plugins(self) -> None:
        group, self._group = self._group, None
        if group is None:
            return
        for point in entry_points(group=group):
            try:
                register = point.load()
            except Exception as error:  # noqa: BLE001 - a foreign plugin may fail in any way
                owner = point.dist.name if point.dist else "an unknown distribution"
                warnings.warn(
                    f"the {self.kind} plugin {point.name!r} of {owner} cannot be imported: {error}",
                    stacklevel=3,
                )
            else:
                self.add(point.name, register)

    def __getitem__(self, name: str) -> T:
        self._load_plugins()
        try:
            return self._members[name]
        except KeyError:
            known = ", ".join(self._members)
            raise UsageError(f"there is no {self.kind} {name!r}", hint=f"known: {known}") from None

    def __contains__(self, name: object) -> bool:
        self._load_plugins()
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        self._load_plugins()
        return iter(self._members)

    def __len__(self) -> int:
        self._load_plugins()
        return len(self._members)

    def members(self) -> tuple[T, ...]:
        """All members in the order of registration."""
        self._load_plugins()
        return tuple(self._members.values())
