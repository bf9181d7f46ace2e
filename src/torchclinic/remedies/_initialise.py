"""Initialisation of a built model by its real activations, and the code that does it by hand."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from torchclinic.core import LayerFacts, ModelFacts
from torchclinic.init import gain, initialize
from torchclinic.remedies._code import number
from torchclinic.remedies._layers import CONVOLUTIONAL, weighted
from torchclinic.remedies._place import Place
from torchclinic.remedies._sample import Sample
from torchclinic.remedies._treat import treat_code
from torchclinic.remedies.surgery import observe

NO_GAIN = ("softmax", "log_softmax", "softmin", "glu")
BOUNDED = ("tanh", "sigmoid", "softsign", "hardtanh", "hardsigmoid", "tanhshrink")


@dataclass(frozen=True)
class Initialise:
    """Fill all weights by a scheme, with the gains of the activations that really follow."""

    scheme: str = "auto"
    place: Place = Place.WEIGHTS

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:
        """The same model with new weights."""
        seen = observe(model, sample).map if sample is not None else None
        initialize(model, self.scheme, forward_map=seen)
        return model


def hidden_activations(facts: ModelFacts) -> tuple[str, ...]:
    """Names of the activations after hidden layers, without repetition."""
    found = (layer.activation for layer in weighted(facts) if not layer.output)
    return tuple(dict.fromkeys(name for name in found if name and name not in NO_GAIN))


def filling_code(remedy: str, facts: ModelFacts, hidden_line: str, output_line: str) -> str:
    """Code that fills hidden layers with one line and the last layer with another.

    Only for nets of trainable linear and convolutional modules with one activation after all hidden
    ones; the remedy itself does the others.

    Args:
        remedy: Name of the remedy.
        facts: Of the model.
        hidden_line: Fills `layer.weight` of a hidden layer.
        output_line: Fills `layer.weight` of the last.
    """
    layers = weighted(facts)
    followed = {layer.activation for layer in layers[:-1]}
    if not all(map(_is_plain, layers)) or not layers[-1].output or len(followed) > 1:
        return treat_code(remedy)
    kinds = [f"nn.{kind}" for kind in dict.fromkeys(layer.kind for layer in layers)]
    wanted = kinds[0] if len(kinds) == 1 else f"({', '.join(kinds)})"
    if hidden_line == output_line:
        return (
            "from torch import nn\n\n"
            "for layer in model.modules():\n"
            f"    if isinstance(layer, {wanted}):\n"
            f"        {hidden_line}\n"
            "        if layer.bias is not None:\n"
            "            nn.init.zeros_(layer.bias)"
        )
    return (
        "from torch import nn\n\n"
        f"layers = [m for m in model.modules() if isinstance(m, {wanted})]\n"
        "for layer in layers:\n"
        "    if layer is layers[-1]:\n"
        f"        {output_line}\n"
        "    else:\n"
        f"        {hidden_line}\n"
        "    if layer.bias is not None:\n"
        "        nn.init.zeros_(layer.bias)"
    )


def scheme_line(activation: str | None) -> str:
    """The line of torch that does what scheme "auto" does before an activation.

    >>> scheme_line("relu")
    'nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")'
    """
    if activation == "selu":
        return 'nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")'
    if activation == "relu":
        return 'nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")'
    factor = gain(activation)
    more = f", gain={number(factor)}" if factor != 1 else ""
    if activation is None or activation in BOUNDED:
        return f"nn.init.xavier_uniform_(layer.weight{more})"
    return f"nn.init.normal_(layer.weight, std={number(factor)} / layer.weight[0].numel() ** 0.5)"


def _is_plain(layer: LayerFacts) -> bool:
    """Whether torch's initialisers fill it as the remedy does."""
    return layer.trainable and (layer.kind == "Linear" or layer.kind in CONVOLUTIONAL)
