"""Method: the one protocol of all gradient-free methods: ask for points, tell their values."""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar

import torch
from torch import Tensor

from torchclinic.core import Registry, UsageError

Bounds = Sequence[tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Best:
    """The lowest point so far.

    Attributes:
        point: (d,).
        value: Of the objective there; infinity before anything was told.
    """

    point: Tensor
    value: float


class Method(abc.ABC):
    """A gradient-free method that is asked for points and told their values.

    A method works in generations: points that it wants to know before it goes on. `ask` hands them
    out, all at once or a few at a time, and `tell` takes their values in any order and portions.
    NaN counts as infinitely bad. The method's random numbers are its own.

    Args:
        start: (d,), where the search begins; points have its dtype and device.
        scale: How far from the start to look at first, in each coordinate.
        bounds: (low, high) for each coordinate; None for none.
        generator: Source of random numbers (on the CPU); None for one of its own with seed 0.

    Raises:
        UsageError: For a start that is no vector of finite numbers or lies outside the bounds.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]

    def __init__(
        self,
        start: Tensor,
        *,
        scale: float = 1.0,
        bounds: Bounds | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        _check(start, scale)
        self.start = start.detach().clone()
        self.scale = scale
        self.generator = generator or torch.Generator().manual_seed(0)
        self.bounds = None if bounds is None else _bounds(bounds, self.start)
        self.evaluations = 0
        self.finished: str | None = None
        self._best = Best(self.start, math.inf)
        self._points = self.start[:0]
        self._values = self.start[:0]
        self._handed, self._told = 0, 0
        self._waiting: dict[bytes, list[int]] = {}

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return self.start.numel()

    @property
    def best(self) -> Best:
        """The lowest point that was told."""
        return self._best

    def ask(self, n: int | None = None) -> Tensor:
        """Points whose values the method wants to know next.

        Args:
            n: At most so many; None for the rest of the generation.

        Returns:
            (m, d) with 1 <= m <= n.

        Raises:
            UsageError: If the values of earlier points have to be told first, or the method has
                finished.
        """
        if n is not None and n < 1:
            raise UsageError(f"{n} points are asked for", hint="at least 1, or None")
        if self._told == len(self._points):
            self._begin()
        rows = self._points[self._handed : None if n is None else self._handed + n]
        if not len(rows):
            missing = self._handed - self._told
            raise UsageError(f"{missing} points have no value yet", hint="tell them, then ask")
        for row in rows:
            self._waiting.setdefault(_key(row), []).append(self._handed)
            self._handed += 1
        return rows.clone()

    def tell(self, candidates: Tensor, values: Tensor | Sequence[float]) -> None:
        """The values of points that were asked for.

        Args:
            candidates: (n, d), rows that `ask` gave, in any order.
            values: (n,).

        Raises:
            UsageError: For another number of values, or for points that nobody asked for.
        """
        found = torch.as_tensor(values, dtype=torch.float64).detach().cpu()
        if candidates.dim() != 2 or found.shape != candidates.shape[:1]:
            raise UsageError(
                f"{tuple(found.shape)} values were told for points of {tuple(candidates.shape)}",
                hint="n values for (n, d) points",
            )
        found = torch.where(found.isnan(), math.inf, found)
        for row, value in zip(candidates, found.tolist(), strict=True):
            self._note(row, value)
        if len(candidates) and self._told == len(self._points):
            self._digest(self._points, self._values)

    def close(self) -> None:
        """Let go of whatever the method holds; what was found stays."""
        self.finished = self.finished or "closed"

    def __enter__(self) -> Method:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @abc.abstractmethod
    def _generation(self) -> Tensor | None:
        """The next points, (n, d); None and a reason in `finished` if there are none."""

    @abc.abstractmethod
    def _digest(self, points: Tensor, values: Tensor) -> None:
        """Learn from a whole generation; values are float64 on the CPU, without NaN."""

    def _clamp(self, points: Tensor) -> Tensor:
        """The points, moved into the bounds."""
        if self.bounds is None:
            return points
        return torch.minimum(torch.maximum(points, self.bounds[0]), self.bounds[1])

    def _randn(self, *shape: int) -> Tensor:
        """Standard normal numbers of the start's kind."""
        drawn = torch.randn(*shape, generator=self.generator, dtype=torch.float64)
        return drawn.to(self.start)

    def _seed(self) -> int:
        """A seed for a foreign generator."""
        return int(torch.randint(2**31 - 1, (), generator=self.generator))

    def _begin(self) -> None:
        points = None if self.finished else self._generation()
        if points is None:
            reason = self.finished or "it has converged"
            raise UsageError(f"{self.name} has no further points: {reason}")
        self._points = self._clamp(points.to(self.start))
        self._values = torch.full((len(points),), math.inf, dtype=torch.float64)
        self._handed, self._told, self._waiting = 0, 0, {}

    def _note(self, row: Tensor, value: float) -> None:
        places = self._waiting.get(_key(row.to(self.start.dtype)))
        if not places:
            raise UsageError(
                f"a point was told that was not asked for: {row.tolist()!r:.80}",
                hint="tell the rows that ask() gave, each once",
            )
        self._values[places.pop(0)] = value
        self._told += 1
        self.evaluations += 1
        if value < self._best.value:
            self._best = Best(row.detach().clone(), value)


METHODS: Registry[type[Method]] = Registry("gradient-free method", "torchclinic.derivative_free")


def _key(row: Tensor) -> bytes:
    return row.detach().cpu().contiguous().numpy().tobytes()


def _check(start: Tensor, scale: float) -> None:
    if start.dim() != 1 or not start.numel() or not start.is_floating_point():
        raise UsageError(
            f"the start is a {start.dtype} tensor of shape {tuple(start.shape)}",
            hint="a vector of floating-point numbers, such as flat_parameters(model)",
        )
    if not bool(start.isfinite().all()):
        raise UsageError("the start has values that are not finite", hint="start from numbers")
    if not 0 < scale < math.inf:
        raise UsageError(f"scale is {scale}", hint="how far to look at first, a number above 0")


def _bounds(bounds: Bounds, start: Tensor) -> tuple[Tensor, Tensor]:
    if len(bounds) != len(start):
        raise UsageError(f"{len(bounds)} bounds for {len(start)} coordinates", hint="one for each")
    low, high = torch.tensor([*zip(*bounds, strict=True)]).to(start)
    if not bool((low < high).all()) or not bool(((low <= start) & (start <= high)).all()):
        raise UsageError(
            f"the start {start.tolist()!r:.60} is not within the bounds {list(bounds)!r:.60}",
            hint="(low, high) for each coordinate, with low < high and the start between them",
        )
    return low, high
