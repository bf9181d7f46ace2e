"""Which modules are layers with weights of their own, and what torch calls them."""

from __future__ import annotations

from torch import nn

CONVOLUTIONS = ("Conv1d", "Conv2d", "Conv3d")
TRANSPOSED = ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
MAPS = ("Linear", *CONVOLUTIONS, *TRANSPOSED, "Parameter")  # affine maps of their input
EMBEDDINGS = ("Embedding", "EmbeddingBag")
RECURRENT = ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell")
BATCH_NORMS = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm")  # affine in eval mode
NORMS = (
    *BATCH_NORMS,
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LayerNorm",
    "GroupNorm",
    "RMSNorm",
    "LocalResponseNorm",
)
OTHERS = ("Bilinear", "MultiheadAttention")
_KNOWN = frozenset((*MAPS[:-1], *EMBEDDINGS, *RECURRENT, *NORMS, *OTHERS))
_CHANNELS_FIRST = frozenset(
    (*CONVOLUTIONS, *TRANSPOSED, *BATCH_NORMS, "InstanceNorm1d", "InstanceNorm2d")
) | {"InstanceNorm3d", "GroupNorm", "LocalResponseNorm"}


def layer_kind(module: nn.Module) -> str | None:
    """Torch's class name of a layer, also for subclasses and parametrised ones; None if it is none.

    A class of the user's whose name ends in "Norm" (or "Norm1d") and that has no layers inside is
    a layer under its own name.

    >>> layer_kind(nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)))
    'Linear'
    """
    for base in type(module).__mro__:
        if base.__name__ in _KNOWN and base.__module__.startswith("torch.nn."):
            return base.__name__
    return type(module).__name__ if _is_own_norm(module) else None


def is_norm(kind: str) -> bool:
    """Whether layers of this kind normalise.

    >>> is_norm("LayerNorm"), is_norm("MyRMSNorm"), is_norm("Linear")
    (True, True, False)
    """
    return kind in NORMS or _named_norm(kind)


def unit_dim(kind: str) -> int:
    """Dimension of a layer's output in which its units lie: 1 for channels, -1 for features.

    >>> unit_dim("Conv2d"), unit_dim("Linear")
    (1, -1)
    """
    return 1 if kind in _CHANNELS_FIRST else -1


def runs_as_torch_wrote(module: nn.Module) -> bool:
    """Whether the module's forward is torch's own, so that its inside need not be looked at."""
    return getattr(type(module).forward, "__module__", "").startswith("torch.")


def _named_norm(name: str) -> bool:
    return name.lower().rstrip("d").rstrip("123").endswith("norm")


def _is_own_norm(module: nn.Module) -> bool:
    return _named_norm(type(module).__name__) and not any(
        layer_kind(child) in MAPS for child in module.children()
    )
