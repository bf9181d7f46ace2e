"""Which engine a study runs on."""

from torchclinic.engine.placement.choose import choose_engine
from torchclinic.engine.placement.placement import Placement

__all__ = ["Placement", "choose_engine"]
