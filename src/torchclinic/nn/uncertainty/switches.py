"""Which modules of a model drop at random, and how to switch on only these."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from torchclinic.nn.dropout import DropoutLike

FOREIGN = ("DropPath", "StochasticDepth", "DropBlock2d", "DropBlock3d")  # of timm and torchvision
RATES = ("p", "drop_prob", "dropout")  # attributes in which modules keep their rate


def dropout_like(model: nn.Module) -> dict[str, nn.Module]:
    """The modules of a model that drop at random while it trains, by name.

    These are torch's dropout modules, everything that is a `DropoutLike`, recurrent and attention
    layers with a dropout of their own, and the stochastic depth of timm and torchvision. Modules
    with a rate of 0 are left out. Dropout that a forward calls as a function is no module and does
    not appear.

    Args:
        model: The model.

    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.2), nn.BatchNorm1d(2), nn.Dropout(0.0))
    >>> dropout_like(model)
    {'1': Dropout(p=0.2, inplace=False)}
    """
    return {name: module for name, module in model.named_modules() if _drops(module)}


def rows_share_mask(module: nn.Module) -> bool:
    """Whether all rows of a batch get the same mask from this module.

    >>> from torchclinic.nn.dropout import DropConnectLinear
    >>> rows_share_mask(DropConnectLinear(2, 2)), rows_share_mask(nn.Dropout())
    (True, False)
    """
    if isinstance(module, DropoutLike):
        return module.rows_share_mask
    return getattr(module, "mode", None) == "batch"


@contextmanager
def only_dropout_training(model: nn.Module) -> Iterator[nn.Module]:
    """Inside, what drops at random is in training mode, all else in evaluation mode.

    On exit each module is in the mode in which it was, whatever happens.

    Args:
        model: The model.

    Yields:
        The same model.

    >>> model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2)).train()
    >>> with only_dropout_training(model):
    ...     [module.training for module in model]
    [True, False]
    >>> model[1].training
    True
    """
    modes = {module: module.training for module in model.modules()}
    try:
        model.eval()
        for module in dropout_like(model).values():
            module.train()
        for module in model.modules():
            if isinstance(module, nn.TransformerEncoderLayer):
                module.training = True  # else torch takes a path around the dropout inside
        yield model
    finally:
        for module, training in modes.items():
            module.training = training


def _drops(module: nn.Module) -> bool:
    if isinstance(module, nn.RNNBase):
        return module.dropout > 0 and module.num_layers > 1
    known = isinstance(module, nn.modules.dropout._DropoutNd | DropoutLike | nn.MultiheadAttention)
    return (known or type(module).__name__ in FOREIGN) and _rate(module) > 0


def _rate(module: nn.Module) -> float:
    found = (getattr(module, name, None) for name in RATES)
    return next((float(rate) for rate in found if isinstance(rate, int | float)), 0.0)
