"""Why a layer's output is not the direct input of an activation that saturates or silences."""

from __future__ import annotations

from torchclinic.probes.probe import ProbedLayer


def why_no_pre_activation(layer: ProbedLayer, verb: str) -> str:
    """The reason, as a sentence part.

    Args:
        layer: The layer.
        verb: What the activation would have to do ("saturates", "silences units").

    Returns:
        Why the statistic has no meaning there.

    >>> why_no_pre_activation(ProbedLayer("fc", "Linear", "gelu"), "saturates")
    'gelu follows, which never saturates'
    """
    if layer.activation_unknown:
        return f"the activation that follows is not known: {layer.activation_unknown}"
    if layer.activation is None:
        return "no activation follows it"
    if layer.normalised:
        return f"a norm stands between it and the {layer.activation}; read at the norm"
    return f"{layer.activation} follows, which never {verb}"
