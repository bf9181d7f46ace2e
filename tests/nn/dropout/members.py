"""All layers that drop something: how to make one with a rate, and an input for it."""

import torch
from torch import nn

from torchclinic.nn import dropout


def of(name, *arguments, **options):
    kind = getattr(dropout, name)
    return lambda p, **more: kind(*arguments, p=p, **options, **more)


MEMBERS = {
    "DropConnectLinear": (of("DropConnectLinear", 6, 5), (8, 6)),
    "DropConnectConv1d": (of("DropConnectConv1d", 2, 3, 3), (4, 2, 9)),
    "DropConnectConv2d": (of("DropConnectConv2d", 2, 4, 3, padding=1, groups=2), (4, 2, 6, 5)),
    "DropConnectConv3d": (of("DropConnectConv3d", 1, 2, 2), (2, 1, 4, 4, 4)),
    "DropConnectWeight": (of("DropConnectWeight"), (5, 4)),
    "DropBlock1d": (of("DropBlock1d", block_size=3), (4, 3, 16)),
    "DropBlock2d": (of("DropBlock2d", block_size=3), (4, 3, 9, 8)),
    "DropBlock3d": (of("DropBlock3d", block_size=2), (2, 3, 5, 4, 6)),
    "StochasticDepth row": (of("StochasticDepth"), (16, 3)),
    "StochasticDepth batch": (of("StochasticDepth", mode="batch"), (16, 3)),
    "GaussianDropout": (of("GaussianDropout"), (7, 4)),
    "LockedDropout": (of("LockedDropout"), (5, 6, 7)),
}
PLAIN = {name: member for name, member in MEMBERS.items() if "DropConnect" not in name}
CONNECT = [name for name in MEMBERS if name.startswith("DropConnect") and "Weight" not in name]
BELOW_ONE = ("GaussianDropout",)  # their variance has no limit at p = 1


def make(name, p, *, double=False, **options):
    torch.manual_seed(0)
    layer = MEMBERS[name][0](p, **options)
    return layer.double() if double else layer


def example(name, *, double=False, seed=1):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(MEMBERS[name][1], generator=generator)
    return x.double() if double else x


def without_dropping(layer, x):
    """What the layer computes without dropping anything, by torch alone."""
    if isinstance(layer, nn.Linear):
        return nn.functional.linear(x, layer.weight, layer.bias)
    if isinstance(layer, nn.modules.conv._ConvNd):
        return layer._conv_forward(x, layer.weight, layer.bias)
    return x
