"""Recipe: everything that defines one training, as a frozen value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from torchclinic.core.errors import RecipeError
from torchclinic.core.extensions import call

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

ModelFactory = Callable[[], "nn.Module"]
LossFunction = Callable[[Any, Any], "Tensor"]
StepFunction = Callable[["nn.Module", Any], "Tensor"]
OptimizerFactory = Callable[[Iterable[Any]], "Optimizer"]

PENALTIES = ("l1", "l2", "orthogonal")
CRITERIA = ("patience", "generalisation-loss", "uninterrupted-rise")
_ALLOWED = {
    "patience": "a whole number of at least 1",
    "min_delta": "a number of at least 0",
    "criterion": f"one of {', '.join(CRITERIA)}",
    "threshold": "percent above 0; Prechelt tries 1 to 5",
    "strip": "a whole number of at least 1; Prechelt takes 5",
    "kind": "'ema' or 'swa'",
    "decay": "at least 0 and below 1; 0.999 is usual",
    "start": "a share of the training: at least 0 and below 1, or None",
    "every": "a whole number of updates of at least 1, or None",
}


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

    def preview(self, steps: int, lr: float = 1.0, **settings: Any) -> tuple[float, ...]:
        """The learning rate of each step, without training; see `torchclinic.optim.preview`."""
        return call("preview_schedule", self, steps, lr, **settings)


@dataclass(frozen=True)
class Penalty:
    r"""A penalty on the weights, added to the loss.

    "l1" is $\lambda \lVert w \rVert_1$, "l2" is $\lambda \lVert w \rVert_2^2$, and "orthogonal" is
    $\lambda \lVert W W^T - I \rVert_F^2$ of each weight as a matrix with one row a unit (of
    $W^T W$ where it has more rows than columns).

    Attributes:
        kind: "l1", "l2" or "orthogonal".
        weight: The coefficient lambda, at least 0.
        parameters: Glob over parameter names.
        skip_norms_and_biases: Leave out biases, parameters of normalisation layers and all others
            with fewer than two dimensions. An orthogonal penalty never takes the latter.
    """

    kind: Literal["l1", "l2", "orthogonal"]
    weight: float
    parameters: str = "*"
    skip_norms_and_biases: bool = True


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the validation loss (or metric) says that nothing is gained any more.

    Attributes:
        patience: With the criterion "patience": evaluations in a row without an improvement. With
            "uninterrupted-rise": strips in a row that each end higher than the one before.
        min_delta: By how much an evaluation must be better than the best to be an improvement.
        monitor: Whether the loss or the metric is looked at.
        restore_best: Whether the run ends with its best weights.
        criterion: "patience", or one of Prechelt's: "generalisation-loss" stops when the loss has
            risen by `threshold` percent above the lowest so far, "uninterrupted-rise" when it has
            risen in `patience` strips in a row.
        threshold: Percent, of the generalisation loss alone.
        strip: Evaluations in a strip, of the uninterrupted rise alone.
    """

    patience: int = 5
    min_delta: float = 0.0
    monitor: Literal["loss", "metric"] = "loss"
    restore_best: bool = True
    criterion: Literal["patience", "generalisation-loss", "uninterrupted-rise"] = "patience"
    threshold: float = 5.0
    strip: int = 5


@dataclass(frozen=True)
class Averaging:
    """Averages of the weights along the training, by which it is judged and with which it ends.

    Attributes:
        kind: "ema", the exponential moving average, or "swa", the plain mean.
        decay: Share of the moving average that an update keeps; of "ema" alone.
        start: Share of the planned updates after which averaging begins; None for 0 with "ema" and
            0.75 with "swa". Until then the run is judged by its own weights.
        every: Updates between two weights that enter; None for 1 with "ema" and for one epoch
            with "swa".
        batch_norm: Whether the statistics of BatchNorm layers are measured anew for the averaged
            weights, on training rows; else they are the run's own.
    """

    kind: Literal["ema", "swa"] = "ema"
    decay: float = 0.999
    start: float | None = None
    every: int | None = None
    batch_norm: bool = True


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
    for penalty in recipe.penalties:
        if penalty.kind not in PENALTIES or not penalty.weight >= 0:
            raise RecipeError(
                f"{penalty!r} is no penalty",
                hint=f"kind {', '.join(map(repr, PENALTIES))}, weight >= 0",
            )
    stopping, averaging = recipe.early_stopping, recipe.averaging
    if stopping is not None:
        for name, sensible in (
            ("patience", _whole(stopping.patience)),
            ("min_delta", stopping.min_delta >= 0),
            ("criterion", stopping.criterion in CRITERIA),
            ("threshold", stopping.threshold > 0),
            ("strip", _whole(stopping.strip)),
        ):
            if not sensible:
                raise _option_error("early stopping", name, getattr(stopping, name))
    if averaging is not None:
        for name, sensible in (
            ("kind", averaging.kind in ("ema", "swa")),
            ("decay", 0 <= averaging.decay < 1),
            ("start", averaging.start is None or 0 <= averaging.start < 1),
            ("every", averaging.every is None or _whole(averaging.every)),
        ):
            if not sensible:
                raise _option_error("averaging", name, getattr(averaging, name))


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _option_error(where: str, name: str, value: Any) -> RecipeError:
    return RecipeError(f"{name} of the {where} is {value!r}", hint=_ALLOWED[name])
