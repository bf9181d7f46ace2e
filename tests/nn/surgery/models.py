"""Models with norms in all the places where people put them."""

import torch
from torch import nn
from torch.nn import functional as F

CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
BATCH = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
INSTANCE = {1: nn.InstanceNorm1d, 2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}


def rows(seed=0):
    return torch.randn(6, 5, generator=torch.Generator().manual_seed(seed))


def images(d, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(4, 3, *[6] * d, generator=generator)


def tokens(seed=0):
    return torch.randn(4, 7, 8, generator=torch.Generator().manual_seed(seed))


def dense(norm=nn.BatchNorm1d):
    return nn.Sequential(nn.Linear(5, 8, bias=False), norm(8), nn.ReLU(), nn.Linear(8, 2))


def convolutional(d, norm=None):
    norm = norm or BATCH[d]
    return nn.Sequential(
        CONV[d](3, 8, 3, padding=1, bias=False),
        norm(8),
        nn.ReLU(),
        CONV[d](8, 4, 3, padding=1),
        norm(4),
    )


class Residual2d(nn.Module):
    """A block as in ResNet: attributes, functions, a shortcut with a norm of its own."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.bn2 = nn.BatchNorm2d(8)
        self.shortcut = nn.ModuleDict({"conv": nn.Conv2d(3, 8, 1), "bn": nn.BatchNorm2d(8)})

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + self.shortcut["bn"](self.shortcut["conv"](x)))


class PreNorm(nn.Module):
    """A layer norm before the layer, as in transformers."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.mlp = nn.Linear(8, 8)

    def forward(self, x):
        return x + self.mlp(self.norm(x))


def wake(model, x):
    """Statistics, scales and shifts that are not those of a new model."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine:
            nn.init.normal_(module.weight, 1.0, 0.5)
            nn.init.normal_(module.bias)
    with torch.no_grad():
        for _ in range(5):
            model.train()(x * 2 + 1)
    return model.eval()
