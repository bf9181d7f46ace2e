"""DropConnect: what its linear and its convolutional layers share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from torchclinic.core import UsageError
from torchclinic.nn.checks import at_least, one_of, probability
from torchclinic.nn.dropout.dropout_like import DropoutLike
from torchclinic.nn.dropout.moment_matching import gaussian_expectation, sampled_expectation
from torchclinic.nn.dropout.random_masks import inverted_mask

INFERENCES = ("mean", "gaussian")


def drop_weights(weight: Tensor, p: float) -> Tensor:
    """The weight with elements at 0, each with probability p, and the others divided by 1 - p.

    **Shape**: any -> the same.

    Args:
        weight: The weight.
        p: From 0 to 1.

    >>> import torch
    >>> drop_weights(torch.ones(3), 0.0).tolist()
    [1.0, 1.0, 1.0]
    """
    return weight if p == 0.0 else weight * inverted_mask(weight, p)


class DropConnect(DropoutLike, nn.Module):
    """The part of a DropConnect layer that does not depend on the kind of its affine map."""

    rows_share_mask = True
    weight: Tensor
    bias: Tensor | None

    def _set_up(
        self, p: float, inference: str, activation: Callable[..., Any] | None, samples: int | None
    ) -> None:
        one_of(inference, INFERENCES, "inference")
        gaussian = inference == "gaussian"
        if gaussian and activation is None:
            raise UsageError(
                "inference is 'gaussian' and activation is None",
                hint="give the activation whose expectation is to be taken, such as nn.ReLU()",
            )
        self.p = probability(p, below_one=gaussian)
        self.inference = inference
        self.activation = activation
        self.samples = samples if samples is None else at_least(samples, 1, "samples")

    @abstractmethod
    def _affine(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """What the layer does with its weights: the one thing that its kinds differ in."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """The affine map with a fresh mask on its weights, or its expectation in evaluation."""
        if self.training:
            y = self._affine(input, drop_weights(self.weight, self.p), self.bias)
        elif self.inference == "gaussian" and self.p > 0.0:
            return self._matched(input)
        else:
            y = self._affine(input, self.weight, self.bias)
        return y if self.activation is None else self.activation(y)

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        r"""Mean and variance of the pre-activation over the masks.

        $E[u] = W v + b$, $Var[u] = \\frac{p}{1-p} (W \\circ W)(v \\circ v)$

        Source: Wan et al. 2013, section 3.2, divided by the keep probability.
        """
        mean = self._affine(x, self.weight, self.bias)
        variance = self._affine(x.square(), self.weight.square(), None) * (self.p / (1.0 - self.p))
        return mean, variance

    def _matched(self, x: Tensor) -> Tensor:
        assert self.activation is not None
        mean, variance = self.moments(x)
        if self.samples is None:
            return gaussian_expectation(self.activation, mean, variance)
        return sampled_expectation(self.activation, mean, variance, self.samples)

    def extra_repr(self) -> str:
        """The layer's own description, and the rate."""
        return f"{super().extra_repr()}, p={self.p}, inference={self.inference}"
