"""Recipe: everything that defines one training, as a frozen value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from torchclinic.core.errors import RecipeError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

ModelFactory = Callable[[], "nn.Module"]
LossFunction = Callable[[Any, Any], "Tensor"]
StepFunction = Callable[["nn.Module", Any], "Tensor"]
OptimizerFactory = Callable[[Iterable[Any]], "Optimizer"]


@dataclass(frozen=True, eq=False)
class Splits:
    """The parts of a data set. Each part is tensors, a Dataset, a DataLoader or batches.

    Two Splits are equal only when they are the same object: tensors have no one truth value.

    Attributes:
        train: What the optimizer sees.
        validation: What choices are made by (early stopping, the search for a repair).
        test: What the final verdict is made on; never used for a choice.
        name: Printed in reports.
        meta: Facts that a data set knows about itself (class names, image shape).
    """

    train: Any
    validation: Any = None
    test: Any = None
    name: str = "data"
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Metric:
    """A number by which a run is judged: `function(outputs, targets) -> float` over a whole split.

    Attributes:
        name: Printed in tables.
        function: Gets all outputs and all targets of a split, concatenated.
        higher_is_better: Direction of improvement.
    """

    name: str
    function: Callable[[Any, Any], float]
    higher_is_better: bool = True


@dataclass(frozen=True)
class Schedule:
    """A learning-rate schedule.

    Attributes:
        factory: `factory(optimizer, total_steps) -> torch LR scheduler`. With `per="epoch"`,
            `total_steps` counts epochs.
        per: Whether the scheduler steps after each optimizer step or after each epoch.
        name: Printed in reports.
    """

    factory: Callable[[Any, int], Any]
    per: Literal["step", "epoch"] = "step"
    name: str = "schedule"


@dataclass(frozen=True)
class Penalty:
    """A penalty on the weights, added to the loss: `weight * sum |w|` or `weight * sum w^2`.

    Attributes:
        kind: "l1" or "l2".
        weight: The coefficient lambda, at least 0.
        parameters: Glob over parameter names.
        skip_norms_and_biases: Leave out parameters with fewer than two dimensions.
    """

    kind: Literal["l1", "l2"]
    weight: float
    parameters: str = "*"
    skip_norms_and_biases: bool = True


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the validation loss (or metric) has not improved for `patience` evaluations."""

    patience: int = 5
    min_delta: float = 0.0
    monitor: Literal["loss", "metric"] = "loss"
    restore_best: bool = True


@dataclass(frozen=True)
class AppliedChange:
    """What a remedy did to a Recipe: kept on the changed Recipe so that it can tell its story.

    Attributes:
        remedy: Registered name of the remedy ("reinitialise").
        title: One line for tables ("He initialisation for ReLU").
        reason: Why it is done, one sentence.
        code: The lines a person would write by hand to make the same change.
        source: Paper or documentation.
    """

    remedy: str
    title: str
    reason: str = ""
    code: str = ""
    source: str = ""


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
        penalties: L1 and L2 penalties added to the loss.
        batch_size: Rows a batch; None leaves batches as the data delivers them, or one full
            batch for tensors.
        shuffle: Whether the rows are drawn in a new order each epoch.
        epochs: Passes over the training data.
        steps: Optimizer updates, instead of epochs.
        metric: "accuracy", "mse", "r2", a `Metric`, a function or None (the loss judges).
        clip_norm: Largest total gradient norm, or None.
        clip_value: Largest absolute gradient element, or None.
        accumulate: Batches whose gradients make one update.
        early_stopping: When to stop before the end.
        keep_best: Whether the run ends with its best weights instead of its last.
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
    accumulate: int = 1
    early_stopping: EarlyStopping | None = None
    keep_best: bool = False
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
    for name in ("clip_norm", "clip_value"):
        value = getattr(recipe, name)
        if value is not None and not value > 0:
            raise RecipeError(f"{name} is {value!r}", hint="a number above 0, or None")
    for penalty in recipe.penalties:
        if penalty.kind not in ("l1", "l2") or not penalty.weight >= 0:
            raise RecipeError(f"{penalty!r} is no penalty", hint="kind 'l1' or 'l2', weight >= 0")
    if recipe.autocast not in (None, "bfloat16", "float16"):
        raise RecipeError(f"autocast is {recipe.autocast!r}", hint="'bfloat16' or 'float16'")
