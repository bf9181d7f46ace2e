"""Arms: named recipes, as a mapping, a grid or a list of changes over one recipe."""

from torchclinic.study.arms.arm import Arm
from torchclinic.study.arms.collect import collect_arms
from torchclinic.study.arms.grid import grid
from torchclinic.study.arms.paths import changed
from torchclinic.study.arms.variants import variants

__all__ = ["Arm", "changed", "collect_arms", "grid", "variants"]
