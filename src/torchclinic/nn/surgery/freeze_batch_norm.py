"""Batch norms of a model frozen in place, and thawed."""

from __future__ import annotations

from torch import nn

from torchclinic.core import SurgeryError
from torchclinic.nn.normalisation import FrozenBatchNorm
from torchclinic.nn.surgery.places import replace_module


def freeze_batch_norm(model: nn.Module, *, train_affine: bool = False) -> nn.Module:
    """Let every batch norm keep its running statistics, whatever mode the model is in.

    They are replaced in place by `FrozenBatchNorm`. Make the optimizer afterwards: gamma and beta
    are no parameters any more, unless `train_affine`.

    Args:
        model: With batch norms.
        train_affine: Whether gamma and beta are still trained.

    Returns:
        The same model; if it is a batch norm itself, its frozen form.

    Raises:
        SurgeryError: If there is no batch norm, or one without running statistics.

    >>> model = freeze_batch_norm(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))
    >>> model[1]
    FrozenBatchNorm(3, eps=1e-05, train_affine=False)
    """
    kind = nn.modules.batchnorm._BatchNorm
    norms = [module for module in model.modules() if isinstance(module, kind)]
    if not norms:
        raise SurgeryError(f"{type(model).__name__} has no batch norm to freeze")
    frozen = [FrozenBatchNorm.of(norm, train_affine=train_affine) for norm in norms]
    for old, new in zip(norms, frozen, strict=True):
        model = replace_module(model, old, new)
    return model


def unfreeze_batch_norm(model: nn.Module) -> nn.Module:
    """Put the batch norms back that `freeze_batch_norm` took out, with the numbers they have now.

    Args:
        model: With frozen norms.

    Returns:
        The same model; if it is a frozen norm itself, the batch norm.

    Raises:
        SurgeryError: If there is no frozen norm that was made of a batch norm.

    >>> type(unfreeze_batch_norm(freeze_batch_norm(nn.BatchNorm2d(3)))).__name__
    'BatchNorm2d'
    """
    norms = [m for m in model.modules() if isinstance(m, FrozenBatchNorm) and m.was_batch_norm]
    if not norms:
        raise SurgeryError(f"{type(model).__name__} has no frozen batch norm")
    for norm in norms:
        model = replace_module(model, norm, norm.thawed())
    return model
