"""Batch norm whose statistics stay as they are, whatever mode the model is in."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that everybody knows it by

from torchclinic.core import SurgeryError


class FrozenBatchNorm(nn.Module):
    r"""A fixed affine map by channel, with the numbers of a batch norm.

    $y = \gamma (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta$ with the running statistics, also
    after `model.train()`

    For fine-tuning with batches too small, or too unlike the first training's, for their statistics
    to be any good. The state dict has the keys of the batch norm.

    **Shape**: (N, C, ...) -> the same.

    Args:
        num_features: Number of channels C.
        eps: Added to the variance.
        train_affine: Whether gamma and beta are trained on; otherwise they are buffers.

    Source: He et al. 2016, "Deep Residual Learning", where it serves fine-tuning for detection
    (appendix A), arXiv 1512.03385.

    >>> norm = nn.BatchNorm1d(1)
    >>> norm.running_mean += 3
    >>> round(FrozenBatchNorm.of(norm)(torch.tensor([[5.0]])).item(), 3)
    2.0
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5, *, train_affine: bool = False) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.train_affine = train_affine
        for name, value in (
            ("weight", torch.ones(num_features)),
            ("bias", torch.zeros(num_features)),
        ):
            if train_affine:
                self.register_parameter(name, nn.Parameter(value))
            else:
                self.register_buffer(name, value)
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0, dtype=torch.long))

    @classmethod
    def of(cls, norm: Any, *, train_affine: bool = False) -> FrozenBatchNorm:
        """The frozen form of a batch norm, on its device and in its precision.

        Args:
            norm: A batch norm of torch's or one derived from it.
            train_affine: Whether gamma and beta are trained on; they are the same parameters then.

        Raises:
            SurgeryError: If it keeps no running statistics.
        """
        if norm.running_mean is None:
            raise SurgeryError(
                "a batch norm without running statistics cannot be frozen",
                hint="build it with track_running_stats=True, and let it see data first",
            )
        frozen = cls(norm.num_features, norm.eps, train_affine=train_affine)
        frozen.to(norm.running_mean.device, norm.running_mean.dtype)
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            setattr(frozen, name, getattr(norm, name).detach().clone())
        for name in ("weight", "bias"):
            value = getattr(norm, name)
            if value is not None:
                setattr(frozen, name, value if train_affine else value.detach().clone())
        frozen.__dict__["_original"] = (norm,)  # in a tuple, so that it is no submodule
        return frozen.train(norm.training)

    @property
    def was_batch_norm(self) -> bool:
        """Whether it was made of a batch norm, and can be thawed."""
        return "_original" in self.__dict__

    def thawed(self) -> nn.Module:
        """The batch norm that it was made of, with the numbers, device and mode of this one.

        Raises:
            SurgeryError: If it was not made of one.
        """
        if not self.was_batch_norm:
            raise SurgeryError("this FrozenBatchNorm was not made of a batch norm")
        norm = self.__dict__["_original"][0]
        norm.to(self.running_mean.device, self.running_mean.dtype)
        state = self.state_dict()
        norm.load_state_dict({name: state[name] for name in norm.state_dict()})
        return norm.train(self.training)

    def forward(self, x: Tensor) -> Tensor:
        """The affine map."""
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
        )

    def extra_repr(self) -> str:
        """Channels and epsilon."""
        return f"{self.num_features}, eps={self.eps}, train_affine={self.train_affine}"
