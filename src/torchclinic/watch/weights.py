"""The trained weights as they are now, and copies of them to see how an update changes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.watch.columns import Columns, Role, Values
from torchclinic.watch.norms import all_plain, norms
from torchclinic.watch.thin import spread

# Elements of one weight that are read. More are thinned out to half of that: neither the copy nor
# the time may grow with a large model. A norm over 4,096 evenly spread elements, times the last
# known share, differs from that over all by a few per cent.
MOST_ELEMENTS = 1 << 13


class Weights:
    """How to read the weights as long as the same ones are trained and lie where they lie.

    Args:
        trained: Of each candidate whether it is trained.
        weights: The trained ones, with their numbers among the parameters.
        copies: Whether they are to be compared after an update.

    Attributes:
        now: The weights, outside of the graph.
        parts: The elements of them that are read, as they are now.
        before: Room for a copy of these; empty without copies.
        read: Of what the norms are taken before the update: the copies, which lie side by side.
        shares: Place of a weight that is read in part -> norm of the weight over the part's.
        plain: Whether torch can take all norms in one call.
    """

    def __init__(
        self, trained: list[bool], weights: Sequence[tuple[int, nn.Parameter]], copies: bool
    ) -> None:
        self._trained = trained
        self._parameters = [parameter for _, parameter in weights]
        self._addresses = [parameter.data_ptr() for parameter in self._parameters]
        self.now: list[Tensor] = [parameter.detach() for parameter in self._parameters]
        self.plain = all_plain(self.now)
        partial = [p for p, weight in enumerate(self.now) if not _whole(weight)] if copies else []
        self.shares: dict[int, Any] = dict.fromkeys(partial, 1.0)
        self.parts = [
            spread(weight, MOST_ELEMENTS // 2) if place in self.shares else weight
            for place, weight in enumerate(self.now)
        ]
        self.before: list[Tensor] = []
        if copies:
            dense = torch.contiguous_format
            self.before = [torch.empty_like(part, memory_format=dense) for part in self.parts]
        self.read = self.before or self.now
        numbers = tuple(number for number, _ in weights)
        sizes = tuple(weight.numel() for weight in self.now)
        self.weight = Columns(Role.WEIGHT, numbers, sizes=sizes)
        self.update = Columns(Role.UPDATE, numbers, sizes=sizes)

    def measure_shares(self) -> None:
        """Compare the parts with the weights; `before` holds the parts as they are."""
        places = list(self.shares)
        wholes = norms([self.now[place] for place in places], self.plain)
        parts = norms([self.before[place] for place in places], self.plain)
        for place, whole, part in zip(places, wholes, parts, strict=True):
            self.shares[place] = whole / part if part else 1.0

    def whole(self, parts: Values) -> Values:
        """Norms of the weights, or of their changes, from those of the parts.

        What is true of the norm of a weight is taken to be true of that of its change.
        """
        for place, share in self.shares.items():
            parts[place] *= share  # type: ignore[index]
        return parts

    def fits(self, trained: list[bool]) -> bool:
        """Whether it is still right: weights may be frozen, or moved to other memory."""
        return (
            trained == self._trained
            and [parameter.data_ptr() for parameter in self._parameters] == self._addresses
        )


def _whole(weight: Tensor) -> bool:
    """Whether all elements are compared."""
    return weight.numel() <= MOST_ELEMENTS or not weight.is_contiguous()
