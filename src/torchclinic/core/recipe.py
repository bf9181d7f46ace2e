"""Recipe: everything that defines one training, as a frozen value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from torchclinic.core.applied_change import AppliedChange
from torchclinic.core.averaging import Averaging
from torchclinic.core.early_stopping import EarlyStopping
from torchclinic.core.errors import RecipeError
from torchclinic.core.metric import Metric
from torchclinic.core.penalty import Penalty
from torchclinic.core.schedule import Schedule
from torchclinic.core.splits import Splits

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

ModelFactory = Callable[[], "nn.Module"]
LossFunction = Callable[[Any, Any], "Tensor"]
StepFunction = Callable[["nn.Module", Any], "Tensor"]
OptimizerFactory = Callable[[Iterable[Any]], "Optimizer"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """Everything that defines one training. Frozen: make a variant with `replace`.

    Two Recipes are equal only when they are the same object, as their data may be.

    Exactly one of `loss` and `step`, and at most one of `epochs` and `steps`, is given.

    Attributes:
        model: A factory `() -> nn.Module`, called once a run under that run's seed, or a module,
            which is deep-copied for each run (all runs then start from its weights).
        data: `Splits`, `(inputs, targets)` tensors, a Dataset, a DataLoader or any iterable of
            batches (tuples, dicts, nested).
        loss: `loss(output, target) -> scalar tensor`.
        step: `step(model, batch) -> scalar tensor`, for trainings that `loss` cannot express.
        optimizer: `factory(parameters) -> torch.optim.Optimizer`, such as `partial(SGD, lr=0.1)`.
            A factory whose first argument is called `model` gets the model instead.
        schedule: `Schedule`, or `factory(optimizer) -> scheduler`, stepped once an epoch.
        penalties: L1, L2 and orthogonality penalties added to the loss.
        batch_size: Rows a batch; None leaves batches as the data delivers them, or one full
            batch for tensors.
        shuffle: Whether the rows are drawn in a new order each epoch.
        epochs: Passes over the training data.
        steps: Optimizer updates, instead of epochs.
        metric: "accuracy", "mse", "r2", a `Metric`, a function or None (the loss judges).
        clip_norm: Largest total gradient norm, or None.
        clip_value: Largest absolute gradient element, or None.
        clip_adaptive: Largest norm of a unit's gradient over that of its weights, or None.
        max_norm: Largest norm of a unit's incoming weights after an update, or None.
        accumulate: Batches whose gradients make one update.
        early_stopping: When to stop before the end.
        keep_best: Whether the run ends with its best weights instead of its last.
        averaging: How its weights are averaged, or None.
        autocast: "bfloat16" or "float16" to run the forward pass under autocast.
        device: Where it runs ("cpu", "cuda", "cuda:1").
        name: Printed in reports.
        changes: What remedies have done to it, oldest first.

    Raises:
        RecipeError: On contradictory or senseless values.

    >>> recipe = Recipe(model=lambda: None, data=[], loss=min, optimizer=list, steps=10)
    >>> recipe.replace(steps=20).steps
    20
    """

    model: ModelFactory | nn.Module
    data: Any
    optimizer: OptimizerFactory
    loss: LossFunction | None = None
    step: StepFunction | None = None
    schedule: Schedule | Callable[[Any], Any] | None = None
    penalties: tuple[Penalty, ...] = ()
    batch_size: int | None = 32
    shuffle: bool = True
    epochs: int | None = None
    steps: int | None = None
    metric: str | Metric | Callable[[Any, Any], float] | None = None
    clip_norm: float | None = None
    clip_value: float | None = None
    clip_adaptive: float | None = None
    max_norm: float | None = None
    accumulate: int = 1
    early_stopping: EarlyStopping | None = None
    keep_best: bool = False
    averaging: Averaging | None = None
    autocast: Literal["bfloat16", "float16"] | None = None
    device: str = "cpu"
    name: str = "recipe"
    changes: tuple[AppliedChange, ...] = ()

    def __post_init__(self) -> None:
        _check(self)

    @property
    def splits(self) -> Splits:
        """`data` as Splits; bare data becomes the training part."""
        return self.data if isinstance(self.data, Splits) else Splits(train=self.data)

    def replace(self, **fields: Any) -> Recipe:
        """A copy with some fields changed; an unknown field raises RecipeError."""
        unknown = fields.keys() - {f.name for f in dataclasses.fields(self)}
        if unknown:
            raise RecipeError(f"a Recipe has no field {sorted(unknown)[0]!r}")
        return dataclasses.replace(self, **fields)


def _check(recipe: Recipe) -> None:
    if not callable(recipe.model):
        raise RecipeError(
            f"model is {recipe.model!r}, neither a module nor a factory",
            hint="give an nn.Module or a function that returns one",
        )
    if (recipe.loss is None) == (recipe.step is None):
        raise RecipeError(
            "a Recipe needs exactly one of loss and step",
            hint="loss(output, target) for the usual case, step(model, batch) otherwise",
        )
    if not callable(recipe.optimizer):
        raise RecipeError(
            f"optimizer is {type(recipe.optimizer).__name__}, not a factory",
            hint="write partial(torch.optim.SGD, lr=0.1): it is built anew for each run",
        )
    if recipe.epochs is not None and recipe.steps is not None:
        raise RecipeError(f"both epochs={recipe.epochs} and steps={recipe.steps} are given")
    if recipe.epochs is None and recipe.steps is None:
        raise RecipeError("neither epochs nor steps is given", hint="for example epochs=5")
    _check_numbers(recipe)


def _check_numbers(recipe: Recipe) -> None:
    for name in ("batch_size", "epochs", "steps", "accumulate"):
        value = getattr(recipe, name)
        if value is not None and (isinstance(value, bool) or int(value) != value or value < 1):
            raise RecipeError(f"{name} is {value!r}", hint="a whole number of at least 1")
    for name in ("clip_norm", "clip_value", "clip_adaptive", "max_norm"):
        value = getattr(recipe, name)
        if value is not None and not value > 0:
            raise RecipeError(f"{name} is {value!r}", hint="a number above 0, or None")
    if recipe.autocast not in (None, "bfloat16", "float16"):
        raise RecipeError(f"autocast is {recipe.autocast!r}", hint="'bfloat16' or 'float16'")
    _check_options(recipe)


def _check_options(recipe: Recipe) -> None:
    if not _are_penalties(recipe.penalties):
        wanted = 'a tuple: (Penalty("l2", 1e-4),)'
        raise RecipeError(f"penalties is {recipe.penalties!r}", hint=wanted)
    for name, kind in (("early_stopping", EarlyStopping), ("averaging", Averaging)):
        value = getattr(recipe, name)
        if value is not None and not isinstance(value, kind):
            raise RecipeError(f"{name} is {value!r}", hint=f"{kind.__name__}(...), or None")


def _are_penalties(given: object) -> bool:
    several = cast("tuple[object, ...]", given) if isinstance(given, tuple) else (given, None)
    return all(isinstance(one, Penalty) for one in several)
