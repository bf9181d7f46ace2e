"""History and Run: what one execution of a Recipe leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torchclinic.core.trace import Trace

SplitName = Literal["train", "validation", "test"]
Ending = Literal["budget", "early-stopping", "diverged", "interrupted"]


@dataclass(frozen=True)
class Evaluation:
    """Loss and metric of one split after `step` updates, in evaluation mode, without gradients."""

    step: int
    split: SplitName
    loss: float
    metric: float | None = None


@dataclass(frozen=True)
class History:
    """The curves of one run.

    Attributes:
        losses: Training loss of each step, in order; step k is `losses[k - 1]`. Penalties are
            left out. Non-finite values are kept as they are.
        learning_rates: Learning rate of the first parameter group at each step.
        gradient_norms: Total gradient norm at each step before clipping; empty if not recorded.
        evaluations: Evaluations in the order in which they were made.
        metric: Name of the metric, or None.
        higher_is_better: Direction of the metric.
        steps_per_epoch: Optimizer updates in one pass over the data; None if unknown.
        planned_steps: Updates that the full training would make.
        ending: Why the run ended.
        best_step: Step whose weights were kept, or None.
        seconds: Wall time of the training, without evaluations of checkpoints.
    """

    losses: tuple[float, ...] = ()
    learning_rates: tuple[float, ...] = ()
    gradient_norms: tuple[float, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    metric: str | None = None
    higher_is_better: bool = True
    steps_per_epoch: int | None = None
    planned_steps: int | None = None
    ending: Ending = "budget"
    best_step: int | None = None
    seconds: float = 0.0

    def curve(
        self, split: SplitName, quantity: Literal["loss", "metric"] = "loss"
    ) -> tuple[tuple[int, float], ...]:
        """(step, value) pairs of one split; evaluations without the quantity are left out.

        >>> h = History(evaluations=(Evaluation(1, "test", 0.5, 0.9),))
        >>> h.curve("test", "metric")
        ((1, 0.9),)
        """
        found = ((e.step, getattr(e, quantity)) for e in self.evaluations if e.split == split)
        return tuple((step, value) for step, value in found if value is not None)

    def last(self, split: SplitName) -> Evaluation | None:
        """The newest evaluation of a split, or None."""
        return next((e for e in reversed(self.evaluations) if e.split == split), None)


@dataclass(frozen=True)
class Run:
    """One execution of a Recipe with one seed.

    Attributes:
        recipe: Name of the recipe.
        seed: Decides, with the recipe, every number of the run.
        history: Its curves.
        trace: Its readings, if it was watched.
        model: The trained module, if it was asked for.
    """

    recipe: str
    seed: int
    history: History
    trace: Trace | None = None
    model: Any = field(default=None, repr=False, compare=False)
