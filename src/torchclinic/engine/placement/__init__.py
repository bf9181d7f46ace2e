"""Which engine a study runs on. What chooses is loaded when it is first asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchclinic.engine.placement.placement import Placement

if TYPE_CHECKING:
    from torchclinic.engine.placement.choose import choose_engine

__all__ = ["Placement", "choose_engine"]


def __getattr__(name: str) -> Any:
    if name != "choose_engine":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from torchclinic.engine.placement.choose import choose_engine

    return choose_engine
