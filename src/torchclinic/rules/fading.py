"""Whether a gradient fades on its way back: one criterion for before and during training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torchclinic.core.finding import Evidence
from torchclinic.functional.depth import factor_per_layer, first_over_last
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import below

FEWEST_LAYERS = 3


@dataclass(frozen=True)
class Fading:
    """How a gradient changes from the last layer back to the first.

    Attributes:
        ratio: First layer over last.
        per_layer: Geometric mean factor a layer.
        hidden: The same over the hidden layers alone, NaN with fewer than two.
        layers: Number of layers.
    """

    ratio: float
    per_layer: float
    hidden: float
    layers: int

    @property
    def fades(self) -> bool:
        """Whether it fades so far that the first layers cannot keep up.

        The output layer is narrow, which alone costs a factor of about 10 on the way to the last
        hidden layer; so a moderate ratio only counts where the hidden layers fade as well.
        """
        if self.layers < FEWEST_LAYERS:
            return False
        both = self.ratio < t.GRADIENT_FADED and self.hidden < t.HIDDEN_FADE
        return self.ratio < t.GRADIENT_LOW or both

    def evidence(self, what: str, layer: str) -> Evidence:
        """The ratio against the threshold that it crosses."""
        limit = t.GRADIENT_LOW if self.ratio < t.GRADIENT_LOW else t.GRADIENT_FADED
        return below(what, self.ratio, limit, layer=layer)


def fading(profile: Sequence[float]) -> Fading:
    """The change along a profile of gradient RMS, in forward order.

    >>> fading([2e-4, 1.4e-3, 1e-2, 7e-2]).fades, fading([0.02, 0.05, 0.4]).fades
    (True, False)
    """
    ratio, hidden = first_over_last(profile), first_over_last(profile[:-1])
    return Fading(
        ratio,
        factor_per_layer(ratio, len(profile)),
        factor_per_layer(hidden, len(profile) - 1),
        len(profile),
    )
