"""The specification's paralysed net: three sigmoid layers that SGD cannot move.

Source: the first lecture, `SimpleMNIST_NN(n_layers=3)`, SGD with learning rate 1e-3, batch 32.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from torch import Tensor, nn
from torch.optim import SGD

import torchclinic as tc


class SimpleNet(nn.Module):
    """`n_layers` hidden layers of 100 units, one activation module shared by all of them.

    **Shape**: (N, ...) with `features` values a row -> (N, 10).

    >>> SimpleNet(features=64, n_layers=3).layers[0]
    Linear(in_features=64, out_features=100, bias=True)
    """

    def __init__(self, features: int = 784, n_layers: int = 3) -> None:
        super().__init__()
        self.activation = nn.Sigmoid()
        layers: list[nn.Module] = [nn.Linear(features, 100), self.activation]
        for _ in range(n_layers - 1):
            layers += [nn.Linear(100, 100), self.activation]
        self.layers = nn.Sequential(*layers, nn.Linear(100, 10))

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the ten classes."""
        return self.layers(x.flatten(1))


def recipe(data: Literal["digits", "mnist"] = "digits", n_layers: int = 3) -> tc.Recipe:
    """The training of the lecture, on MNIST for 5 epochs or on the small digits for 40.

    Args:
        data: Which digits; "mnist" needs its IDX files.
        n_layers: Hidden layers.
    """
    splits = tc.data.mnist() if data == "mnist" else tc.data.digits()
    return tc.Recipe(
        name=f"{n_layers} sigmoid layers",
        model=partial(SimpleNet, 784 if data == "mnist" else 64, n_layers),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=1e-3),
        data=splits,
        batch_size=32,
        epochs=5 if data == "mnist" else 40,
        metric="accuracy",
    )
