"""Which of the known losses a loss is, however it was written down."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from torchclinic.core.facts import LossKind

_MODULES: dict[type[nn.Module], LossKind] = {
    nn.CrossEntropyLoss: "cross-entropy",
    nn.BCEWithLogitsLoss: "bce-with-logits",
    nn.MultiLabelSoftMarginLoss: "bce-with-logits",
    nn.BCELoss: "bce",
    nn.NLLLoss: "nll",
    nn.MSELoss: "mse",
    nn.L1Loss: "l1",
    nn.SmoothL1Loss: "huber",
    nn.HuberLoss: "huber",
    nn.HingeEmbeddingLoss: "hinge",
    nn.SoftMarginLoss: "hinge",
    nn.MultiMarginLoss: "hinge",
}
_FUNCTIONS: dict[Any, LossKind] = {
    F.cross_entropy: "cross-entropy",
    F.binary_cross_entropy_with_logits: "bce-with-logits",
    F.multilabel_soft_margin_loss: "bce-with-logits",
    F.binary_cross_entropy: "bce",
    F.nll_loss: "nll",
    F.mse_loss: "mse",
    F.l1_loss: "l1",
    F.smooth_l1_loss: "huber",
    F.huber_loss: "huber",
    F.hinge_embedding_loss: "hinge",
    F.soft_margin_loss: "hinge",
    F.multi_margin_loss: "hinge",
}


def loss_kind(loss: Any) -> LossKind:
    """The kind of a loss: a torch loss module or function, or a `partial` of one.

    Args:
        loss: The loss; None (a recipe with a custom step) is "custom".

    >>> loss_kind(nn.CrossEntropyLoss()), loss_kind(partial(F.mse_loss, reduction="sum"))
    ('cross-entropy', 'mse')
    """
    plain = _unwrap(loss)
    if isinstance(plain, nn.Module):
        kinds: list[LossKind] = [_MODULES[base] for base in _MODULES if isinstance(plain, base)]
        return kinds[0] if kinds else "custom"
    try:
        return _FUNCTIONS.get(plain, "custom")
    except TypeError:  # a callable that cannot be hashed
        return "custom"


def loss_option(loss: Any, name: str, default: Any = None) -> Any:
    """An option of a torch loss, such as `reduction`, from the module or the `partial`.

    >>> loss_option(partial(F.cross_entropy, ignore_index=0), "ignore_index", -100)
    0
    """
    while isinstance(loss, partial):
        if name in loss.keywords:
            return loss.keywords[name]
        loss = loss.func
    return getattr(loss, name, default) if isinstance(loss, nn.Module) else default


def loss_name(loss: Any) -> str:
    """What a loss is called, for reports.

    >>> loss_name(nn.MSELoss()), loss_name(partial(F.l1_loss)), loss_name(None)
    ('MSELoss', 'l1_loss', 'custom step')
    """
    plain = _unwrap(loss)
    if plain is None:
        return "custom step"
    return getattr(plain, "__name__", type(plain).__name__)


def is_torch_loss(loss: Any) -> bool:
    """Whether torch wrote it, so that it takes one output tensor and nothing else.

    >>> is_torch_loss(nn.MSELoss()), is_torch_loss(lambda output, target: output)
    (True, False)
    """
    plain = _unwrap(loss)
    if isinstance(plain, nn.Module):
        return type(plain).__module__ == nn.MSELoss.__module__
    return getattr(plain, "__module__", None) == F.mse_loss.__module__


def _unwrap(loss: Any) -> Any:
    while isinstance(loss, partial):
        loss = loss.func
    return loss
