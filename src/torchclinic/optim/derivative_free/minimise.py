"""One front door to all gradient-free methods."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torchclinic.core import UsageError
from torchclinic.optim.derivative_free.method import METHODS, Bounds, Method
from torchclinic.optim.derivative_free.minimum import Minimum

Objective = Callable[[Tensor], Any]


def minimise(  # noqa: PLR0913 - one front door to searches of many kinds
    method: str,
    objective: Objective,
    start: Tensor | Sequence[float],
    *,
    budget: int,
    generator: torch.Generator | None = None,
    batched: bool = True,
    scale: float = 1.0,
    bounds: Bounds | None = None,
    target: float = -math.inf,
    keep_path: bool = False,
    **options: Any,
) -> Minimum:
    """Search for the lowest point of a function without its gradient.

    Args:
        method: A name in `METHODS`.
        objective: (n, d) points -> (n,) values; with `batched=False` one point (d,) -> a number.
        start: (d,), or numbers, which are taken as float64.
        budget: Evaluations at most; never exceeded.
        generator: Source of all random numbers; None for one of its own with seed 0.
        batched: Whether the objective takes many points at once.
        scale: How far from the start to look at first, in each coordinate.
        bounds: (low, high) for each coordinate.
        target: Ends the search when the objective is at most this.
        keep_path: Whether to keep the lowest point after each portion.
        options: Of the method ("population", "pairs").

    Returns:
        The lowest point, with the history of the search.

    Raises:
        UsageError: For an unknown method or option, a budget below 1, or an objective that does not
            return one number a point.

    >>> from torchclinic.optim.surfaces import rosenbrock
    >>> found = minimise("cma-es", rosenbrock, rosenbrock.start, budget=1000, scale=0.5)
    >>> found.value < 1e-8, found.evaluations <= 1000
    (True, True)
    """
    if budget < 1:
        raise UsageError(f"budget is {budget}", hint="evaluations, at least 1")
    first = start if isinstance(start, Tensor) else torch.tensor(tuple(start), dtype=torch.float64)
    kind = METHODS[method]
    _known_options(kind, options)
    trail: list[tuple[int, float, Tensor]] = []
    with kind(first, scale=scale, bounds=bounds, generator=generator, **options) as search:
        reason = _search(search, objective if batched else _each(objective), budget, target, trail)
    return Minimum(
        method=method,
        point=search.best.point,
        value=search.best.value,
        evaluations=search.evaluations,
        reason=reason,
        at=torch.tensor([count for count, _, _ in trail]),
        history=torch.tensor([value for _, value, _ in trail], dtype=torch.float64),
        path=torch.stack([point for _, _, point in trail]) if keep_path else None,
    )


def _search(
    search: Method,
    objective: Objective,
    budget: int,
    target: float,
    trail: list[tuple[int, float, Tensor]],
) -> str:
    while search.evaluations < budget:
        try:
            points = search.ask(budget - search.evaluations)
        except UsageError:
            if search.finished is None:
                raise
            return search.finished
        search.tell(points, _values(objective, points))
        trail.append((search.evaluations, search.best.value, search.best.point))
        if search.best.value <= target:
            return f"the target {target:g} is reached"
    return f"the budget of {budget} evaluations is spent"


def _values(objective: Objective, points: Tensor) -> Tensor:
    found = objective(points)
    values = found.detach() if isinstance(found, Tensor) else torch.as_tensor(found)
    if values.shape != points.shape[:1]:
        raise UsageError(
            f"the objective returned {tuple(values.shape)} for {len(points)} points",
            hint="(n, d) -> (n,); batched=False if it takes one point at a time",
        )
    return values


def _each(objective: Objective) -> Objective:
    return lambda points: torch.tensor([float(objective(p)) for p in points], dtype=torch.float64)


def _known_options(kind: type[Method], options: dict[str, Any]) -> None:
    own = inspect.signature(kind.__init__).parameters.values()
    known = [p.name for p in own if p.kind is p.KEYWORD_ONLY]
    if kind.__init__ is Method.__init__:
        known = []
    for name in options.keys() - set(known):
        listed = ", ".join(known) or "none"
        raise UsageError(f"{kind.name} has no option {name!r}", hint=f"known: {listed}")
