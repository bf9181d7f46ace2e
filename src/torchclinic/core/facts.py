"""Facts: what is known of a training before and while it runs. Rules read nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from torchclinic.core.history import History
from torchclinic.core.lr_range import LRRange
from torchclinic.core.trace import Trace

LossKind = Literal[
    "cross-entropy",  # takes scores (logits) and class numbers or class probabilities
    "bce-with-logits",  # takes scores and targets in [0, 1]
    "bce",  # takes probabilities and targets in [0, 1]
    "nll",  # takes log-probabilities and class numbers
    "mse",
    "l1",
    "huber",
    "hinge",
    "custom",  # a function or step we cannot name
]
Task = Literal["classification", "binary", "regression", "unknown"]


@dataclass(frozen=True)
class LayerFacts:
    """A layer with parameters, as built.

    Attributes:
        name: Qualified module name; for a bare nn.Parameter used in a matrix product, its name.
        kind: Class name ("Linear", "Conv2d", "BatchNorm1d", "LSTM"; "Parameter" for a bare one).
        order: Position in forward order, from 0.
        activation: Non-linearity that follows it directly or after a norm, or None.
        normalised: Whether a normalisation layer follows before the non-linearity.
        residual: Whether its output or the block it is in is added to a shortcut.
        output: Whether it is the last weighted layer before the model's output.
        parameters: Number of elements.
        trainable: Whether any parameter requires a gradient.
        fan_in: Inputs of one unit, or None.
        fan_out: Outputs fed by one input, or None.
        weight_shape: Shape of the weight, () if none.
        weight_mean: Mean of the weight, None if no weight.
        weight_std: Standard deviation of the weight, None if no weight.
        duplicated_rows: Share of the weight's rows (units) equal to another row.
        bias: Whether it has a bias.
        bias_std: Standard deviation of the bias, None if no bias.
        activation_module: Qualified name of the module that is that activation (the name under
            which it stands there, also where one instance stands in several places); None when it
            is a function call or not known.
    """

    name: str
    kind: str
    order: int
    activation: str | None = None
    normalised: bool = False
    residual: bool = False
    output: bool = False
    parameters: int = 0
    trainable: bool = True
    fan_in: int | None = None
    fan_out: int | None = None
    weight_shape: tuple[int, ...] = ()
    weight_mean: float | None = None
    weight_std: float | None = None
    duplicated_rows: float = 0.0
    bias: bool = False
    bias_std: float | None = None
    activation_module: str | None = None


@dataclass(frozen=True)
class ModelFacts:
    """The model's structure.

    Attributes:
        layers: Layers with parameters, in forward order (norms included).
        traced: Whether torch.fx could trace it; surgery on functional activations needs that.
        why_not_traced: The tracer's reason.
        order_known: Whether `order` and `activation` come from a real forward pass.
        linear_pairs: Pairs of Linear/Conv layers with nothing non-linear between them.
        linearity_residual: |f(mean) - mean of f| of the hidden stack relative to its scale; near
            0 means that the whole model is an affine map. None if it could not be tested.
        output_activation: Name of the last operation when it is a non-linearity
            ("softmax", "log_softmax", "sigmoid", "relu", "tanh"), or None.
        inner_softmax: Names of layers after which a softmax stands that is neither the output nor
            attention.
        dropout: Largest dropout probability found, None without dropout.
        norms: Number of normalisation layers.
        residual: Whether the model has additive shortcuts.
        recurrent: Whether it has RNN, LSTM or GRU layers.
        embedding: Whether its inputs are token numbers.
        parameters: Elements in all.
        trainable: Elements that require gradients.
        output_activation_module: Qualified name of the module that is the output activation; None
            when it is a function call or not known.
    """

    layers: tuple[LayerFacts, ...] = ()
    traced: bool = False
    why_not_traced: str = ""
    order_known: bool = True
    linear_pairs: tuple[tuple[str, str], ...] = ()
    linearity_residual: float | None = None
    output_activation: str | None = None
    inner_softmax: tuple[str, ...] = ()
    dropout: float | None = None
    norms: int = 0
    residual: bool = False
    recurrent: bool = False
    embedding: bool = False
    parameters: int = 0
    trainable: int = 0
    output_activation_module: str | None = None

    def layer(self, name: str) -> LayerFacts | None:
        """The layer of that name, or None."""
        return next((layer for layer in self.layers if layer.name == name), None)


@dataclass(frozen=True)
class OptimizerFacts:
    """The optimizer, as the factory builds it for the model.

    Attributes:
        name: Class name.
        learning_rates: One a group.
        momentum: Largest momentum or beta1 over the groups.
        weight_decay: Largest over the groups.
        missing: Trainable parameters of the model that it does not hold.
        foreign: Number of parameters it holds that the model does not have.
        repeated: Parameters it holds more than once.
    """

    name: str
    learning_rates: tuple[float, ...]
    momentum: float = 0.0
    weight_decay: float = 0.0
    missing: tuple[str, ...] = ()
    foreign: int = 0
    repeated: tuple[str, ...] = ()

    @property
    def learning_rate(self) -> float:
        """Of the first group."""
        return self.learning_rates[0] if self.learning_rates else float("nan")


@dataclass(frozen=True)
class RecipeFacts:
    """What the Recipe says."""

    name: str
    loss: str
    loss_kind: LossKind
    task: Task
    optimizer: OptimizerFacts
    model: ModelFacts
    batch_size: int | None = None
    train_rows: int | None = None
    validation_rows: int | None = None
    steps_per_epoch: int | None = None
    planned_steps: int | None = None
    shuffle: bool = True
    metric: str | None = None
    higher_is_better: bool = True
    schedule: str | None = None
    clip_norm: float | None = None
    penalties: tuple[str, ...] = ()
    early_stopping: bool = False
    custom_step: bool = False


@dataclass(frozen=True)
class InputFacts:
    """The inputs, over a sample of at least 512 rows where there are so many.

    Statistics are those of the whole tensor and of its channels (features of a table, channels of
    an image). Integer inputs (token numbers) have `kind="tokens"` and no statistics. Where the
    model begins with a `torchclinic.nn.Standardise`, they are the inputs behind that layer.
    """

    kind: Literal["real", "image", "sequence", "tokens", "other"]
    shape: tuple[int, ...] = ()
    rows: int = 0
    mean: float | None = None
    std: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    channel_means: tuple[float, ...] = ()
    channel_stds: tuple[float, ...] = ()
    constant_channels: int = 0
    nonfinite: int = 0
    shift: float | None = None  # largest |mean_val - mean_train| / std_train over channels
    scale_ratio: float | None = None  # validation std / train std of the whole tensor


@dataclass(frozen=True)
class TargetFacts:
    """The targets, over the same sample."""

    kind: Literal["classes", "binary", "real", "one-hot", "none"]
    shape: tuple[int, ...] = ()
    dtype: str = ""
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: float | None = None
    class_counts: Mapping[int, int] = field(default_factory=dict[int, int])
    nonfinite: int = 0


@dataclass(frozen=True)
class OutputFacts:
    """The untrained model's output on the sample (the tensor that enters the loss)."""

    shape: tuple[int, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: float | None = None
    nonfinite: int = 0
    rows_sum_to_one: bool = False  # non-negative rows with sum 1 +- 1e-4
    in_unit_interval: bool = False  # every element in [0, 1]
    log_probabilities: bool = False  # logsumexp of every row is 0 +- 1e-4
    varies: bool = True  # differs between rows
    broadcasts: bool = False  # its shape and the target's differ but broadcast


@dataclass(frozen=True)
class LayerReadings:
    """What one forward and backward pass over the sample shows at a layer, before training.

    Attributes:
        name: As in LayerFacts.
        activation_mean: Mean of the layer's output.
        activation_std: Standard deviation of the layer's output.
        saturated_share: Share of the output's elements that saturate the activation that follows
            (|x| >= 5 for a sigmoid, >= 2.5 for tanh), None where nothing saturates.
        saturated_units: Share of the units that are saturated on more than half of the rows.
        silent_share: Share of the units that the following ReLU-like activation silences on all
            rows, None where nothing silences.
        rows: Rows that these shares were counted on.
        gradient_norm: Norm of the gradient of its parameters, None if they got none.
        gradient_rms: The same over the root of their number; of the weight alone where there is
            one.
        output_gradient_rms: Root mean square of the gradient at its output.
        nonfinite: Elements of output and gradient that are NaN or infinite.
    """

    name: str
    activation_mean: float | None = None
    activation_std: float | None = None
    saturated_share: float | None = None
    saturated_units: float | None = None
    silent_share: float | None = None
    rows: int = 0
    gradient_norm: float | None = None
    gradient_rms: float | None = None
    output_gradient_rms: float | None = None
    nonfinite: int = 0


@dataclass(frozen=True)
class LabelFacts:
    """How the targets stand to the inputs, and in which order they come.

    Attributes:
        rows: Rows that were compared.
        likeness: How far rows with similar inputs have the same target: the share of equal labels
            among the nearest neighbours, or the correlation with their mean for numbers. None
            where inputs have no distance (token numbers) or rows are too few.
        chance: What the same rows give with their targets shuffled.
        z: (likeness - chance) in standard deviations of shuffled targets.
        mixing: Entropy of the labels within a batch as it is delivered, over that of a batch
            drawn at random; near 0 where classes come one after the other. None unless the
            targets are classes and several batches make an epoch.
    """

    rows: int = 0
    likeness: float | None = None
    chance: float | None = None
    z: float | None = None
    mixing: float | None = None


@dataclass(frozen=True)
class PredictionFacts:
    """What the trained model answers on the validation part, by class.

    Attributes:
        rows: Rows that were asked.
        counts: Class -> rows that belong to it.
        predicted: Class -> rows that the model takes for it.
        recalls: Class -> share of its rows that are recognised.
    """

    rows: int
    counts: Mapping[int, int]
    predicted: Mapping[int, int]
    recalls: Mapping[int, float]


@dataclass(frozen=True)
class BatchFacts:
    """What the first rows of the data and one forward and backward pass over them show.

    Attributes:
        inputs: The inputs.
        targets: The targets.
        outputs: The model's output on them; None with a custom step.
        layers: Readings by layer, in forward order.
        initial_loss: Loss of the untrained model in training mode.
        expected_loss: Loss of the best constant prediction: entropy of the labels for
            classification, variance of the targets for squared error. None if unknown.
        floor_loss: Smallest loss that the model could reach given its output activation
            (ln(1 + (C - 1) / e) for a softmax before cross-entropy), 0 without such a floor.
        without_gradient: Trainable parameters whose gradient is None or all zero after two
            backward passes on distinct batches.
        batch_crosstalk: Whether a row's output depends on other rows in evaluation mode.
        sum_reduction: Whether the loss doubles when the batch is duplicated.
        random_in_eval: Whether two passes over the same batch in evaluation mode, without seeding
            anew between them, give different outputs. None if it could not be told.
        unregistered: Shapes of the tensors that the loss depends on and that require a gradient,
            but are not among `model.parameters()`, such as those of layers in a Python list.
        noise_in_eval: Root mean square of the difference of two such passes over the standard
            deviation of the output between rows; None if it could not be told.
        labels: How the targets stand to the inputs; None if it could not be told.
    """

    inputs: InputFacts
    targets: TargetFacts
    outputs: OutputFacts | None = None
    layers: tuple[LayerReadings, ...] = ()
    initial_loss: float | None = None
    expected_loss: float | None = None
    floor_loss: float = 0.0
    without_gradient: tuple[str, ...] = ()
    batch_crosstalk: bool | None = None
    sum_reduction: bool | None = None
    random_in_eval: bool | None = None
    unregistered: tuple[tuple[int, ...], ...] = ()
    noise_in_eval: float | None = None
    labels: LabelFacts | None = None

    def layer(self, name: str) -> LayerReadings | None:
        """Readings of the layer of that name, or None."""
        return next((layer for layer in self.layers if layer.name == name), None)


@dataclass(frozen=True)
class OneBatchFacts:
    """Can it overfit one batch? At most 16 rows, regularisation off, several learning rates.

    Attributes:
        rows: Rows in the batch.
        steps: Updates for each learning rate.
        initial_loss: Before.
        best_losses: (optimizer and learning rate, lowest loss) for each try.
        best_error: Share of wrong rows (classification) or mean squared error over the variance
            of the targets (regression), the lowest of all tries. None if it cannot be counted.
        passed: Whether the error fell below 5 %.
    """

    rows: int
    steps: int
    initial_loss: float
    best_losses: tuple[tuple[str, float], ...]
    best_error: float | None
    passed: bool


@dataclass(frozen=True)
class Case:
    """All facts of one training. Rules read it; a part that was not gathered is None."""

    recipe: RecipeFacts | None = None
    batch: BatchFacts | None = None
    one_batch: OneBatchFacts | None = None
    lr_range: LRRange | None = None
    history: History | None = None
    trace: Trace | None = None
    predictions: PredictionFacts | None = None
