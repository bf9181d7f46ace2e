"""What a trained model's outputs are worth to its loss: asked with outputs that are made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class AgreementFacts:
    """Whether outputs follow the targets of their rows, and whether the loss wants them to.

    The loss is asked with made-up outputs of several sizes in the model's place: such as follow
    the targets of their own rows, the same in other rows, and such as run against their own.

    Attributes:
        rows: Rows that were looked at.
        wanted: What outputs are compared with: classes as one-hot rows, for scores of them; numbers
            in [0, 1], masks and classes for outputs in [0, 1] among them; any numbers; or labels,
            whose rows should lie together.
        elements: Numbers of a row that are compared.
        heard: Whether they are compared by one of torch's loss functions.
        before: Correlation of the untrained outputs with what is wanted, over all elements. For
            labels 1 minus the distance of rows of one label over that of rows of several.
        after: The same of the trained outputs.
        own: Losses of outputs that follow their own targets, by size; () where it was not asked.
        others: Losses of the same outputs, each put in another row.
        against: Losses of outputs that run against their own targets; () for labels.
    """

    rows: int = 0
    wanted: Literal["classes", "shares", "values", "labels"] = "values"
    elements: int = 1
    heard: bool = False
    before: float = 0.0
    after: float = 0.0
    own: tuple[float, ...] = ()
    others: tuple[float, ...] = ()
    against: tuple[float, ...] = ()


@dataclass(frozen=True)
class CollapseFacts:
    """How far outputs differ between rows, and what the loss asks for if they do not at all.

    Attributes:
        before: Standard deviation of the untrained outputs between rows, over their size.
        after: The same of the trained outputs.
        untrained: Loss of the untrained outputs.
        trained: Loss of the trained ones.
        constants: Losses where all rows get one and the same output, which is the untrained output
            of some row; () where it was not asked.
    """

    before: float
    after: float
    untrained: float
    trained: float
    constants: tuple[float, ...] = ()


@dataclass(frozen=True)
class CommonestFacts:
    """The commonest target, and what the model says where the target is another.

    Attributes:
        value: The commonest target.
        share: Share of the targets that have exactly this value.
        missed: Median output where the target is another value, over the median target there, both
            as distances from the commonest: 0 where these rows are answered with it, too.
    """

    value: float
    share: float
    missed: float
