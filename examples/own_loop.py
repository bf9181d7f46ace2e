"""Watch anybody's own loop, save the trace, and run the rules on it without training again."""

import tempfile
from pathlib import Path

import torch
from torch import nn

import torchclinic as tc

torch.manual_seed(0)
inputs, targets = tc.data.digits().train
model = nn.Sequential(
    nn.Linear(64, 100), nn.Sigmoid(),
    nn.Linear(100, 100), nn.Sigmoid(),
    nn.Linear(100, 100), nn.Sigmoid(),
    nn.Linear(100, 10),
)  # fmt: skip
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()

with tc.watch(model, optimizer) as watch:
    for _ in range(20):
        for rows in torch.randperm(len(inputs)).split(32):
            optimizer.zero_grad()
            loss = loss_fn(model(inputs[rows]), targets[rows])
            loss.backward()
            optimizer.step()

path = str(Path(tempfile.mkdtemp()) / "run.trace")
watch.trace.save(path)
print(tc.diagnose(tc.load_trace(path)))
