"""What an update formula for many members is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from torchclinic.engine.stacked import native

Numbers = np.ndarray[Any, np.dtype[np.float64]]
_IDLE = {"decay": 0.0, "shrink": 1.0, "momentum": 0.0, "fresh": 1.0}  # coefficients left out
Table = Mapping[str, Numbers]  # option -> its value at each step (rows) for each member (columns)


class Rule(ABC):
    """The update of one parameter group, whose options are a number for each member.

    Parameters and gradients are matrices: a row for each member, a column for each element. All
    formulas are elementwise, so that how elements are shaped does not matter. Coefficients are
    computed in float64, as torch computes them in Python, and then rounded to the parameters' type.

    Args:
        flags: The options that all members share, by name.
        first: The members' options at the start, by name.
        like: The parameters.
        compiled: Whether compiled kernels may be used where there are any.
    """

    numbers: ClassVar[tuple[str, ...]]  # options that are a number; betas are beta1 and beta2
    flags: ClassVar[tuple[str, ...]]  # options that change the formula
    buffers: ClassVar[tuple[str, ...]] = ()  # what is kept for each element, zero at first
    kernel: ClassVar[str]  # the compiled formula
    order: ClassVar[tuple[str, ...]]  # its coefficients
    branch: ClassVar[str] = ""  # the flag that it branches on

    def __init__(
        self, flags: Mapping[str, Any], first: Table, like: Tensor, *, compiled: bool = True
    ) -> None:
        self._flags = flags
        self._like = like[:0]
        self._steps = 0
        self._native = compiled and native.available(like)
        self._packed: Tensor | None = None
        self._coefficients: dict[str, Tensor] = {}
        self.state = {name: torch.zeros_like(like) for name in self.buffers}
        self.begin(first)

    def begin(self, first: Table) -> None:  # noqa: B027 - most begin with zeros
        """Set what the state holds before the first step, where that is not zero."""

    @abstractmethod
    def coefficients(self, table: Table, steps: Numbers) -> Mapping[str, Numbers]:
        """What `update` needs, for each step and member.

        Args:
            table: The options.
            steps: Number of each step, from 1, as a column.
        """

    @abstractmethod
    def update(self, p: Tensor, g: Tensor, c: Mapping[str, Tensor]) -> None:
        """Make a step in place; the gradients may be overwritten.

        Args:
            p: Parameters, shape (members, elements).
            g: Gradients, of the same shape.
            c: Coefficients of this step, each of shape (members, 1).
        """

    def prepare(self, table: Table) -> None:
        """Compute the coefficients of the steps that come next, one for each row of the table."""
        count = len(next(iter(table.values())))
        steps = np.arange(self._steps + 1, self._steps + count + 1, dtype=np.float64)[:, None]
        self._steps += count
        with np.errstate(all="ignore"):  # a member that diverges may have any rate
            found = self.coefficients(table, steps)
        self._coefficients = {name: self._column(value) for name, value in found.items()}
        self._packed = self._pack(found) if self._native else None

    def step(self, k: int, p: Tensor, g: Tensor) -> None:
        """Make step `k` of those prepared."""
        if self._packed is not None:
            states = [self.state[name] for name in self.buffers]
            maximize, flag = bool(self._flags.get("maximize")), bool(self._flags.get(self.branch))
            packed = self._packed[k]
            native.update(self.kernel, p, g, packed, states, maximize=maximize, flags=int(flag))
            return
        if self._flags.get("maximize"):
            g.neg_()
        self.update(p, g, {name: values[k] for name, values in self._coefficients.items()})

    def coefficient(self, name: str, k: int) -> Tensor:
        """One coefficient of step `k` of those prepared."""
        return self._coefficients[name][k]

    def keep(self, rows: Tensor) -> None:
        """Go on with these members only."""
        self.state = {name: value[rows] for name, value in self.state.items()}

    def _pack(self, found: Mapping[str, Numbers]) -> Tensor:
        """The coefficients in the kernel's order, of shape (steps, members, count)."""
        shape = np.broadcast_shapes(*(value.shape for value in found.values()))
        columns = [found.get(name, np.asarray(_IDLE.get(name))) for name in self.order]
        spread = [np.broadcast_to(column, shape) for column in columns]
        return torch.from_numpy(np.ascontiguousarray(np.stack(spread, 2), dtype=np.float64))

    def _column(self, values: Numbers) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(values))
        return tensor.to(self._like.device, self._like.dtype).unsqueeze(2)


def decayed(p: Tensor, g: Tensor, c: Mapping[str, Tensor]) -> None:
    """Add the weight decay to the gradient, if any member has one."""
    if "decay" in c:
        g.addcmul_(p, c["decay"])


def decay_of(table: Table) -> Mapping[str, Numbers]:
    """The coefficient that `decayed` looks for, where any member has a weight decay."""
    decay = table["weight_decay"]
    return {"decay": decay} if decay.any() else {}


def numbers_of(group: Mapping[str, Any], names: tuple[str, ...]) -> list[float]:
    """Options of a parameter group as numbers.

    >>> numbers_of({"lr": 0.1, "betas": (0.9, 0.99)}, ("lr", "beta2"))
    [0.1, 0.99]
    """
    return [_number(group, name) for name in names]


def flags_of(optimizer: Optimizer, group: Mapping[str, Any], rule: type[Rule]) -> Hashable:
    """The options of a group that all members must share, as a value that can be compared."""
    return tuple(
        (name, bool(group.get(name, getattr(optimizer, name, False)))) for name in rule.flags
    )


def _number(group: Mapping[str, Any], name: str) -> float:
    if name in ("beta1", "beta2"):
        return float(group["betas"][int(name[-1]) - 1])
    return float(group[name])
