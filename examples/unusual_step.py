"""A training that a plain loss cannot express: an autoencoder with a custom step."""

from functools import partial

import torch
from torch import nn
from torch.optim import Adam

import torchclinic as tc


class Autoencoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 8))
        self.decoder = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 64))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        code = self.encoder(x)
        return self.decoder(code), code


def step(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    x, _ = batch
    reconstruction, code = model(x)
    return nn.functional.mse_loss(reconstruction, x) + 1e-4 * code.square().mean()


recipe = tc.Recipe(
    name="autoencoder",
    model=Autoencoder,
    step=step,
    optimizer=partial(Adam, lr=1e-3),
    data=tc.data.digits(),
    batch_size=32,
    epochs=10,
)

if __name__ == "__main__":
    print(tc.diagnose(recipe))
