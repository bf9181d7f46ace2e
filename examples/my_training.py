"""A training as a Recipe. Try: torchclinic diagnose examples/my_training.py

The net is deep, saturating and trained with plain SGD at a small rate: it does not learn.
"""

from functools import partial

from torch import nn
from torch.optim import SGD

import torchclinic as tc


def make_net() -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, 100),
        nn.Sigmoid(),
        nn.Linear(100, 100),
        nn.Sigmoid(),
        nn.Linear(100, 100),
        nn.Sigmoid(),
        nn.Linear(100, 10),
    )


recipe = tc.Recipe(
    name="my training",
    model=make_net,
    loss=nn.CrossEntropyLoss(),
    optimizer=partial(SGD, lr=1e-3),
    data=tc.data.digits(),
    batch_size=32,
    epochs=20,
    metric="accuracy",
)
