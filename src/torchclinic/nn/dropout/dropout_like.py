"""What all layers here that drop something at random have in common."""

from __future__ import annotations


class DropoutLike:
    """Marks a module that is random in training mode and does nothing else there.

    Monte-Carlo dropout switches on what carries this mark, besides torch's own dropout modules. A
    class of yours joins by inheriting from it; it must look at `self.training` alone.

    Attributes:
        p: Probability of dropping.
        rows_share_mask: Whether all rows of a batch get the same mask, so that a row repeated
            within a batch does not see another one.

    >>> from torch import nn
    >>> class Mine(DropoutLike, nn.Module):
    ...     rows_share_mask = True
    >>> isinstance(Mine(), DropoutLike)
    True
    """

    p: float
    rows_share_mask: bool = False
