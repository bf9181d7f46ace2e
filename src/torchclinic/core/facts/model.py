"""What is known of a model and its optimizer before anything is run."""

from __future__ import annotations

from dataclasses import dataclass


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
