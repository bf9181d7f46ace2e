"""What the first batch shows of the untrained model and its loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from torchclinic.core.facts.data import InputFacts, LabelFacts, PartFacts, RowFacts, TargetFacts
from torchclinic.core.facts.start import StartFacts
from torchclinic.core.facts.wiring import ChanceFacts, CutFacts, MeetingFacts, RegroupFacts


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
class ReachFacts:
    """What of the inputs the outputs hang on: parts of them are exchanged between rows.

    Attributes:
        axis: Whether the parts are positions of a sequence or features of a table.
        size: Positions or features in all.
        starts: First position or feature of each part; a part ends where the next begins.
        effects: Root mean square of what exchanging a part changes in the outputs, over what
            exchanging whole rows changes; None where the rows do not differ in that part.
        contents: As `effects`, where rows are filled up with padding: of exchanges that leave the
            padding where it is, and with it every mask that is made of it. () without padding.
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
    contents: tuple[float | None, ...] = ()
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
        variance: Smallest variance that a Gaussian likelihood is given; None for other losses.
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
    variance: float | None = None
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
        start: What the first weights make of the signal along streams and states; None where
            there are none, or it could not be told.
        cut: How far back along the sequences a gradient goes; None where they are no sequences, or
            it could not be told.
        regrouped: Views that mix axes.
        meeting: Where rows meet, if they do; None where it is not known.
        chance: Where random numbers are drawn in evaluation mode, if they are.
        made_anew: Shapes of the parameters that each pass makes for itself.
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
    start: StartFacts | None = None
    cut: CutFacts | None = None
    regrouped: tuple[RegroupFacts, ...] = ()
    meeting: MeetingFacts | None = None
    chance: ChanceFacts | None = None
    made_anew: tuple[tuple[int, ...], ...] = ()

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
