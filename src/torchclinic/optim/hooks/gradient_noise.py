"""Noise that is added to the gradients and fades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from torchclinic.core import UsageError
from torchclinic.optim.hooks.counter import advance, count

_COUNT = "gradient_noise_steps"


@dataclass(frozen=True)
class GradientNoise:
    r"""Adds $N(0, \sigma_t^2)$ to each gradient before the update.

    $\sigma_t^2 = \eta / (1 + t)^\gamma$.

    The count t is saved with the optimizer, and the noise of a step follows from the seed and t
    alone: a training that is resumed goes on as it would have. No global generator is touched.

    Args:
        eta: Variance at the first step; 0.01, 0.3 and 1 in the paper.
        gamma: How fast it fades.
        seed: Of the noise.

    Raises:
        UsageError: For eta or gamma below 0.

    Source: Neelakantan et al. 2015, equation 1, arXiv 1511.06807.

    >>> [round(GradientNoise(eta=0.01).std(t), 4) for t in (0, 1, 99)]
    [0.1, 0.0826, 0.0282]
    """

    eta: float = 0.01
    gamma: float = 0.55
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.eta < float("inf") and 0 <= self.gamma < float("inf")):
            raise UsageError(f"{self!r} is no noise", hint="eta and gamma of at least 0")

    def std(self, step: int) -> float:
        """Standard deviation at a step, counted from 0."""
        return (self.eta / (1 + step) ** self.gamma) ** 0.5

    def attach(
        self,
        optimizer: Optimizer,
        model: nn.Module | None = None,  # noqa: ARG002 - asked of every hook
    ) -> RemovableHandle:
        """Add the noise before each step of this optimizer, until the handle is removed."""
        return optimizer.register_step_pre_hook(self._before)

    def _before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:  # noqa: ARG002
        step = count(optimizer, _COUNT)
        generators: dict[torch.device, torch.Generator] = {}
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None or parameter.grad.is_sparse:
                    continue
                device = parameter.grad.device
                if device not in generators:
                    generators[device] = torch.Generator(device).manual_seed(self._stream(step))
                drawn = torch.randn(
                    parameter.grad.shape,
                    generator=generators[device],
                    device=device,
                    dtype=parameter.grad.dtype,
                )
                parameter.grad.add_(drawn, alpha=self.std(step))
        advance(optimizer, _COUNT)

    def _stream(self, step: int) -> int:
        """A seed for one step: near ones give unrelated numbers (splitmix64)."""
        mixed = (self.seed * 0x9E3779B97F4A7C15 + step + 1) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
        return (mixed ^ mixed >> 31) % 2**63
