"""Find the learning rate of one's own loop; nothing of it is changed."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import torchclinic as tc
from torchclinic.study.lr_range import TrainingLoop

torch.manual_seed(0)
inputs, targets = tc.data.digits().train
loader = DataLoader(TensorDataset(inputs, targets), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)


def step(batch):
    """Whatever makes a loss of a batch: a dict, several inputs, autocast, anybody's model."""
    x, y = batch
    return nn.functional.cross_entropy(model(x), y)


found = tc.lr_range_test(TrainingLoop(model, optimizer, loader, step=step))
print(found.reason or f"learning rate {found.suggestion:.2g}")
print("for a cyclic schedule:", {name: round(rate, 5) for name, rate in found.bounds.items()})
