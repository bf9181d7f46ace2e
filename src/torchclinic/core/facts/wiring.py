"""Where a forward pass loses the gradient, or mixes axes that it means to exchange."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CutFacts:
    """How far back along a sequence the gradient of the outputs goes.

    Attributes:
        positions: Of the sequences.
        kept: Most positions of a row that get a gradient at all.
        blocked: (first, end) of parts of which no position gets a gradient, though exchanging them
            between rows moves the last output; looked for only where few positions get one.
        line: Where most of what enters the outputs is cut off from the gradient; "" if not seen.
    """

    positions: int
    kept: int
    blocked: tuple[tuple[int, int], ...] = ()
    line: str = ""


@dataclass(frozen=True)
class RegroupFacts:
    """A view or reshape that cuts through axes, where another order of the axes is meant.

    Attributes:
        line: Of the user's code.
        was: Sizes of the axes that are mixed, before.
        now: The same after it.
        rows: Whether the axis of the batch is one of them.
        merged: Whether an earlier operation had made one axis of them, in the order `was`.
    """

    line: str
    was: tuple[int, ...]
    now: tuple[int, ...]
    rows: bool = False
    merged: bool = False


@dataclass(frozen=True)
class MeetingFacts:
    """An operation of the forward pass in which the rows of a batch meet.

    Attributes:
        line: Of the user's code.
        how: "spread" where values of the rows are spread over values of the rows; else the name of
            a function that runs over their axis.
    """

    line: str
    how: str


@dataclass(frozen=True)
class ChanceFacts:
    """An operation of the forward pass that draws random numbers in evaluation mode.

    Attributes:
        line: Of the user's code.
        weights: Whether it draws parameters.
    """

    line: str
    weights: bool = False
