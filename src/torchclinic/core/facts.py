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
class NormFacts:
    """A normalisation layer, as built and as the training uses it.

    Attributes:
        name: Qualified module name.
        kind: Class name.
        values: Numbers that each of its means is taken over, in a batch of the training.
        momentum: Of a BatchNorm's running statistics; None without such statistics.
        asleep: Whether it stays in evaluation mode when the model is put in training mode.
        untouched: Whether its running statistics are those of a layer that was never trained.
    """

    name: str
    kind: str
    values: int | None = None
    momentum: float | None = None
    asleep: bool = False
    untouched: bool = False


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
        norm_layers: Its normalisation layers, in the order of registration.
        attention: Whether it has attention layers.
        frozen_anew: Whether weights that are frozen differ from one building of the model to the
            next, so that they are random; None where nothing is frozen or no factory builds it.
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
    norm_layers: tuple[NormFacts, ...] = ()
    frozen_anew: bool | None = None
    attention: bool = False

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
    clip_value: float | None = None
    max_norm: float | None = None
    patience: int | None = None
    min_delta: float = 0.0
    averages: bool = False


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
    # largest |mean_val - mean_train| / std_train over channels where it is beyond chance, else 0
    shift: float | None = None
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
        whole: Different values of the targets, where all are whole numbers; None otherwise.
        order_chance: Share of the ways to number the classes anew in which unequal neighbours
            would have numbers as near to each other: near 0 where the numbers are an order
            (counts, grades), anything where they are names. None unless `whole`.
        pairs: Pairs of unequal neighbours that this is read from.
    """

    rows: int = 0
    likeness: float | None = None
    chance: float | None = None
    z: float | None = None
    mixing: float | None = None
    whole: int | None = None
    order_chance: float | None = None
    pairs: int = 0


@dataclass(frozen=True)
class PartFacts:
    """How training and validation part stand to each other.

    A row's neighbours are the five training rows with the most similar inputs, over features of
    unit variance in the training part. Nothing is asked of neighbours where inputs have no
    distance (token numbers).

    Attributes:
        train_rows: Training rows that were looked at.
        validation_rows: Validation rows that were looked at.
        train_classes: Class -> its training rows among them; {} unless each row has one class and
            the rows looked at are all rows, or spread over them.
        validation_classes: The same of the validation part.
        confusion: (class that most of the neighbours have, class of the validation row) -> rows.
        agreement: Share of validation rows whose class is that of their neighbours.
        agreement_own: The same share of training rows and their neighbours in the training part.
        agreement_z: `agreement` above chance, in standard deviations; of the rank correlation where
            targets are numbers.
        value_relation: Rank correlation of validation targets with the mean of their neighbours'.
        value_relation_own: The same of training targets and their neighbours.
        value_miss: Median distance of a validation target from the mean of its neighbours'.
        value_miss_own: The same of training targets and their neighbours in the training part.
        said_distance: Kolmogorov-Smirnov distance of what neighbours say of validation rows from
            what they say of training rows: small where the inputs are alike.
        said_chance: Bound on the probability of such a distance by chance.
        target_distance: Kolmogorov-Smirnov distance of the targets' distributions.
        target_chance: Bound on the probability of such a distance by chance.
        train_targets: (smallest, mean, largest) of the training targets, where they are numbers.
        validation_targets: The same of the validation targets.
        outside: Share of the validation targets outside the range of the training targets.
        columns: Input columns that were compared.
        joint: Correlation, over all pairs of columns, of how the pair correlates in training and
            in validation: near 1 where columns hang together alike in both.
        joint_chance: The same for parts drawn at random from the rows of both.
        joint_z: (joint_chance - joint) in standard deviations of such draws.
        joint_gap: Mean over all pairs of columns of the difference of their correlations in
            training and in validation.
        order: For each validation column the training column that it looks like, where another
            order of the columns makes the parts alike; () otherwise.
        order_joint: `joint` after the columns are put into that order.
        order_agreement: `agreement` (or `value_relation`) after it, None if not known.
        repair: What makes validation pictures like those of training, in words ("flipped upside
            down", "times 255"), where neighbours then know their classes; "" otherwise.
        repair_agreement: `agreement` after it.
        words: Correlation of how often each token number occurs in training and in validation.
        words_chance: The same for parts drawn at random from the rows of both.
        words_z: (words_chance - words) in standard deviations of such draws.
        words_sorted: The same correlation of the sorted frequencies, whatever the numbers.
        filler: The commonest token number, which fills up short rows.
        filler_place: Position at which its share differs most between the parts.
        filler_shares: Its shares there, in training and in validation.
        filler_z: Their difference in standard deviations of chance.
        leaks: Columns that nearly determine the target in training and not in validation.
        leak_train: Share of the target's variance that the first of them explains in training.
        leak_validation: The same in validation.
        leak_outside: Share of its validation values outside the range of its training values.
    """

    train_rows: int = 0
    validation_rows: int = 0
    train_classes: Mapping[int, int] = field(default_factory=dict[int, int])
    validation_classes: Mapping[int, int] = field(default_factory=dict[int, int])
    confusion: Mapping[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    agreement: float | None = None
    agreement_own: float | None = None
    agreement_z: float | None = None
    value_relation: float | None = None
    value_relation_own: float | None = None
    value_miss: float | None = None
    value_miss_own: float | None = None
    said_distance: float | None = None
    said_chance: float | None = None
    target_distance: float | None = None
    target_chance: float | None = None
    train_targets: tuple[float, float, float] | None = None
    validation_targets: tuple[float, float, float] | None = None
    outside: float | None = None
    columns: int = 0
    joint: float | None = None
    joint_chance: float | None = None
    joint_z: float | None = None
    joint_gap: float | None = None
    order: tuple[int, ...] = ()
    order_joint: float | None = None
    order_agreement: float | None = None
    repair: str = ""
    repair_agreement: float | None = None
    words: float | None = None
    words_chance: float | None = None
    words_z: float | None = None
    words_sorted: float | None = None
    filler: int | None = None
    filler_place: int | None = None
    filler_shares: tuple[float, float] | None = None
    filler_z: float | None = None
    leaks: tuple[int, ...] = ()
    leak_train: float | None = None
    leak_validation: float | None = None
    leak_outside: float | None = None


@dataclass(frozen=True)
class RowFacts:
    """What the training rows are like, one by one.

    Attributes:
        rows: Rows that were compared with each other.
        distinct: Different inputs among them.
        commonest: Share of the rows that have the commonest input.
        repeated: Share of the rows whose input another row has, too.
        elements: Numbers in the input of a row.
        values: Different numbers in all of them.
        coded: Whether the numbers of a row have the same sum in every row, as one-hot columns do.
        ceiling: Largest accuracy on these rows of any function of the inputs, as rows with one
            input and different classes cannot all be right; None unless targets are classes.
        ceiling_base: Share of the commonest class.
        reread: Rows of a Dataset that were read several times.
        sizes: Root mean square of these rows at each reading, where nothing but the number of
            readings changed and every row changed in the same direction; () otherwise.
        noise: Variance that changes from reading to reading over the variance of a reading; None
            where rows cannot be read again.
        noise_std: Standard deviation of what changes from reading to reading.
        validation_std: Standard deviation of the validation inputs.
        extreme: The isolated target value that stands for all of them, None without any.
        extreme_rows: Rows whose target lies that far out.
        extreme_share: The same over all rows.
        extreme_repeats: Rows that have exactly the commonest of these values.
        extreme_weight: Share of the squared deviations from the mean that these rows make up.
        bulk: (smallest, largest) of the other targets.
    """

    rows: int = 0
    distinct: int = 0
    commonest: float = 0.0
    repeated: float = 0.0
    elements: int = 0
    values: int = 0
    coded: bool = False
    ceiling: float | None = None
    ceiling_base: float | None = None
    reread: int = 0
    sizes: tuple[float, ...] = ()
    noise: float | None = None
    noise_std: float | None = None
    validation_std: float | None = None
    extreme: float | None = None
    extreme_rows: int = 0
    extreme_share: float = 0.0
    extreme_repeats: int = 0
    extreme_weight: float = 0.0
    bulk: tuple[float, float] | None = None


@dataclass(frozen=True)
class PredictionFacts:
    """What the trained model answers on the validation part, by class.

    Attributes:
        rows: Rows that were asked.
        counts: Class -> rows that belong to it.
        predicted: Class -> rows that the model takes for it.
        recalls: Class -> share of its rows that are recognised.
        confusion: (class that the model answers, class of the row) -> rows.
    """

    rows: int
    counts: Mapping[int, int]
    predicted: Mapping[int, int]
    recalls: Mapping[int, float]
    confusion: Mapping[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])


@dataclass(frozen=True)
class ReachFacts:
    """What of the inputs the outputs hang on: parts of them are exchanged between rows.

    Attributes:
        axis: Whether the parts are positions of a sequence or features of a table.
        size: Positions or features in all.
        starts: First position or feature of each part; a part ends where the next begins.
        effects: Root mean square of what exchanging a part changes in the outputs, over what
            exchanging whole rows changes; None where the rows do not differ in that part.
        tells: How much each part alone tells of the targets, in standard deviations of chance;
            None where it could not be told.
        spread: Standard deviation of the outputs between rows over their root mean square.
        order_blind: Whether the outputs stay the same when the positions are permuted.
        scale_blind: Whether the outputs stay the same when a row is multiplied by a number.
        faded: First module, in the order of execution, whose output is the same for every row; ""
            without one.
        fed: Whether what that module is given differs between rows.
        spreads: Module -> standard deviation of its output between rows, over the root mean
            square, for the last time that it ran.
        scale_tells: How much the length of a row tells of the targets, as `tells`.
        constant_end: Positions at the end that are the same in every row, such as padding.
        narrow: Modules of one or two units without which all rows get the same output.
    """

    axis: Literal["positions", "features", "none"] = "none"
    size: int = 0
    starts: tuple[int, ...] = ()
    effects: tuple[float | None, ...] = ()
    tells: tuple[float | None, ...] = ()
    spread: float | None = None
    order_blind: bool | None = None
    scale_blind: bool | None = None
    faded: str = ""
    fed: bool = False
    spreads: Mapping[str, float] = field(default_factory=dict[str, float])
    scale_tells: float | None = None
    constant_end: int = 0
    narrow: tuple[str, ...] = ()


@dataclass(frozen=True)
class LossFacts:
    """What the loss is given and asks for.

    Attributes:
        function: Torch's loss function that is called, where it is none of the kinds that have a
            name here, or is a hinge ("kl_div"); "" where none was heard.
        log_input: Its option of that name; None without one.
        given: What it is given: rows that sum to 1, logarithms of such rows, positive numbers, or
            any.
        exponential: Whether an exponential or softplus is the last thing that happens to it.
        lowest: Smallest target that it is given; None where it is not known.
        highest: Largest one.
        rows: Label -> rows at which the loss's gradient was looked at; {} for targets that are no
            labels.
        silent: Label -> rows whose gradient is exactly 0, at every output that was tried.
    """

    function: str = ""
    log_input: bool | None = None
    given: Literal["probabilities", "log-probabilities", "positive", "any"] = "any"
    exponential: bool = False
    lowest: float | None = None
    highest: float | None = None
    rows: Mapping[int, int] = field(default_factory=dict[int, int])
    silent: Mapping[int, int] = field(default_factory=dict[int, int])


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
        reach: What of the inputs the untrained outputs hang on; None if it could not be told.
        loss: What the loss asks for; None if it could not be told.
        parts: How training and validation part stand to each other; None if it is not known.
        rows: What the training rows are like; None if it is not known.
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
    reach: ReachFacts | None = None
    loss: LossFacts | None = None
    parts: PartFacts | None = None
    rows: RowFacts | None = None

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
class BreakFacts:
    """Where the first NaN or infinity of a run comes from.

    Attributes:
        step: Update at which it appears.
        where: In the forward pass of the model, in the loss, or only in the gradient.
        operation: Torch's name of the operation that makes it of finite numbers ("log", "sqrt").
        low: Smallest number that the operation is given (of a gradient: that comes back to it).
        high: Largest one.
        line: Line of the user's code that calls it, with its place; "" where it is not known.
        loss: The loss at that step, where it is finite.
    """

    step: int
    where: Literal["outputs", "loss", "gradient"]
    operation: str
    low: float | None = None
    high: float | None = None
    line: str = ""
    loss: float | None = None


@dataclass(frozen=True)
class RateTrialFacts:
    """The same training at another learning rate, over as many steps.

    Attributes:
        configured: Largest rate of the run that was watched.
        rate: The other one.
        steps: Updates of either.
        split: Rows on which the losses were measured.
        loss: At the configured rate.
        tried: At the other one.
        metric: The metric at the configured rate, None without one.
        tried_metric: At the other one.
    """

    configured: float
    rate: float
    steps: int
    split: Literal["train", "validation"]
    loss: float
    tried: float
    metric: float | None = None
    tried_metric: float | None = None


@dataclass(frozen=True)
class Case:
    """All facts of one training. Rules read it; a part that was not gathered is None.

    Attributes:
        recipe: What the Recipe says.
        batch: What the first rows show.
        one_batch: Whether it can overfit one batch.
        lr_range: The LR range test.
        history: The curves of a run.
        trace: Its readings.
        predictions: What the trained model answers.
        broken: Where the first NaN or infinity of the run comes from.
        trial: The run at another learning rate.
        swapped: The run with a cross-entropy in place of a squared error on probabilities; its
            losses are squared errors.
        longer: The run at its own rate, over several times as many steps.
        reach: What of the inputs the trained outputs hang on.
    """

    recipe: RecipeFacts | None = None
    batch: BatchFacts | None = None
    one_batch: OneBatchFacts | None = None
    lr_range: LRRange | None = None
    history: History | None = None
    trace: Trace | None = None
    predictions: PredictionFacts | None = None
    broken: BreakFacts | None = None
    trial: RateTrialFacts | None = None
    longer: RateTrialFacts | None = None
    swapped: RateTrialFacts | None = None
    reach: ReachFacts | None = None
