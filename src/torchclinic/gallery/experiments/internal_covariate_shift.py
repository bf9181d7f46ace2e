"""Internal covariate shift, measured.

:number: 12
:question: Do the inputs of a layer drift during training, and is that what BatchNorm repairs?
:source: lecture 000, "Internal covariate shift" and "Internal covariate shift?"
:minutes: 0.4

While a layer changes its weights "thinking that the distribution of its inputs has not changed",
the layers below change it. The lecture first gives that as BatchNorm's motive, and later the
objection of Santurkar et al. 2018 (arXiv 1805.11604): BatchNorm succeeds not by repairing the shift
but by a smoother loss.

Both are measured in the lecture's net (three layers of 100 sigmoids, SGD). Drift: how far mean and
deviation of each input of the last hidden layer move in 10 updates, in its own deviations, on a
fixed batch. Their test: a net whose BatchNorm outputs are shifted and stretched at random anew at
each update, which puts the shift back in. Smoothness: the cosine between the gradient on the fixed
batch before and after an update along it.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD

import torchclinic as tc
from torchclinic.core import Series
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.data import epochs, images, pixels
from torchclinic.gallery.style import COLOURS, band, figure, label_ends, title_panel
from torchclinic.nn.nets import MLP

LECTURE = "000, Internal covariate shift"
PAPER = "000, Internal covariate shift? (Santurkar et al. 2018, arXiv 1805.11604)"
EVERY, RATE = 10, 0.5


class NoisyBatchNorm(nn.BatchNorm1d):
    """BatchNorm whose outputs are shifted and stretched at random, anew at each update."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name of it
        """Normalise, then disturb each unit as a whole."""
        out = super().forward(input)
        if not self.training:
            return out
        stretch = 1 + 0.5 * torch.randn(self.num_features)
        return out * stretch + 0.5 * torch.randn(self.num_features)


NORMS = {"without": None, "BatchNorm": "batch", "BatchNorm + shift": NoisyBatchNorm}
SHADES: dict[str, str] = dict(zip(NORMS, ("vermilion", "blue", "green"), strict=True))


class Observer:
    """Takes a net's drift and smoothness every few updates.

    Attributes:
        drift: Of the inputs of the last hidden layer, in deviations.
        cosine: Between gradients before and after a step along the first one.
    """

    def __init__(self, batch: tuple[Tensor, Tensor]) -> None:
        self.drift: list[float] = []
        self.cosine: list[float] = []
        self._batch = batch
        self._net: MLP | None = None
        self._before: tuple[Tensor, Tensor] | None = None

    def of(self, make: partial[MLP]) -> MLP:
        """A model factory's net, remembered."""
        self._net = make()
        return self._net

    def look(self, step: int, loss: Tensor) -> None:
        """Measure, if it is time; to be called after each update."""
        del loss
        if step % EVERY or self._net is None:
            return
        inputs, labels = self._batch
        kept = {k: v.clone() for k, v in self._net.state_dict().items()}
        with torch.no_grad():
            values = self._net.layers[: _last_hidden(self._net)](inputs.flatten(1))
        now = values.mean(0), values.std(0) + 1e-6
        if self._before is not None:
            mean, std = self._before
            moved = ((now[0] - mean) / std).abs() + ((now[1] - std) / std).abs()
            self.drift.append(float(moved.median()))
        self._before = now
        first = self._gradient(inputs, labels)
        with torch.no_grad():
            for parameter, part in zip(self._net.parameters(), first, strict=True):
                parameter.sub_(RATE * part)
        second = self._gradient(inputs, labels)
        flat = [torch.cat([p.flatten() for p in parts]) for parts in (first, second)]
        self.cosine.append(float(torch.cosine_similarity(*flat, dim=0)))
        self._net.load_state_dict(kept)

    def _gradient(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
        assert self._net is not None
        loss = nn.functional.cross_entropy(self._net(inputs), labels)
        return torch.autograd.grad(loss, tuple(self._net.parameters()))


def _last_hidden(net: MLP) -> int:
    """Place of the last hidden linear map."""
    return [i for i, layer in enumerate(net.layers) if isinstance(layer, nn.Linear)][-2]


def observed(settings: Settings, kind: str, seed: int) -> tuple[Observer, np.ndarray]:
    """Train the net and watch it; its training losses."""
    data = images(settings)
    inputs, labels = data.train
    observer = Observer((inputs[:256], labels[:256]))
    norm = NORMS[kind]
    make = partial(MLP, pixels(settings), 3, activation="sigmoid", norm=norm, init="xavier")
    recipe = tc.Recipe(
        model=partial(observer.of, make),
        data=data,
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=RATE),
        batch_size=32,
        epochs=epochs(settings, mnist=1, digits=28),
    )
    run = tc.train(recipe, seed, on_step=observer.look)
    return observer, np.asarray(run.history.losses)


def run(settings: Settings) -> Outcome:
    """Watch the three nets over the seeds."""
    drift: dict[str, np.ndarray] = {}
    cosine: dict[str, np.ndarray] = {}
    losses: dict[str, np.ndarray] = {}
    for place, kind in enumerate(NORMS):
        settings.tell(place / len(NORMS), f"watching the net: {kind}")
        seen = [observed(settings, kind, seed) for seed in settings.runs]
        drift[kind] = np.array([observer.drift for observer, _ in seen])
        cosine[kind] = np.array([observer.cosine for observer, _ in seen])
        losses[kind] = np.array([_smooth(loss) for _, loss in seen])
    steps = tuple(EVERY * (i + 1) for i in range(cosine["without"].shape[1]))
    return Outcome(
        claims=_claims(drift, cosine, losses),
        numbers={
            **{f"drift in {EVERY} updates/{k}": float(v.mean()) for k, v in drift.items()},
            **{f"cosine of gradients/{k}": float(v.mean()) for k, v in cosine.items()},
            **{f"training loss/{k}": float(v[:, -1].mean()) for k, v in losses.items()},
        },
        pictures=(_picture(drift, cosine, losses),),
        series={f"cosine/{k}": Series(steps, tuple(v.mean(0))) for k, v in cosine.items()},
    )


def _smooth(losses: np.ndarray) -> np.ndarray:
    """Means over blocks of updates."""
    whole = len(losses) // EVERY * EVERY
    return losses[:whole].reshape(-1, EVERY).mean(axis=1)


def _claims(
    drift: dict[str, np.ndarray], cosine: dict[str, np.ndarray], losses: dict[str, np.ndarray]
) -> tuple[Claim, ...]:
    mean = {kind: values.mean(axis=1) for kind, values in drift.items()}
    final = {kind: values[:, -5:].mean(axis=1) for kind, values in losses.items()}
    return (
        judge(
            "The distribution of a layer's inputs changes while it trains.",
            source=LECTURE,
            measure=f"median drift in {EVERY} updates with SGD at {RATE}, no BatchNorm",
            values=mean["without"],
            above=0.1,
            unit="deviations",
        ),
        judge(
            "BatchNorm repairs that: the inputs of the next layer drift less.",
            source=LECTURE,
            measure="drift without BatchNorm minus with it",
            values=mean["without"] - mean["BatchNorm"],
            above=0.0,
        ),
        judge(
            "The success of BatchNorm is not in repairing the shift: with shift put back, it still "
            "trains better than the net without.",
            source=PAPER,
            measure="training loss: without minus BatchNorm + shift",
            values=final["without"] - final["BatchNorm + shift"],
            above=0.0,
        ),
        judge(
            "It makes the loss smoother: gradients stay what they were for longer.",
            source=PAPER,
            measure="cosine of the gradient before and after a step: BatchNorm minus without",
            values=cosine["BatchNorm"].mean(axis=1) - cosine["without"].mean(axis=1),
            above=0.0,
            if_refuted="Before it learns, the net without BatchNorm stands on a plateau, which is "
            "as smooth as can be: a high cosine of gradients that lead nowhere.",
        ),
    )


def _picture(
    drift: dict[str, np.ndarray], cosine: dict[str, np.ndarray], losses: dict[str, np.ndarray]
) -> Picture:
    final = {kind: values[:, -5:].mean() for kind, values in losses.items()}
    drawn, axes = figure(
        f"With the shift put back BatchNorm still trains: loss {final['BatchNorm + shift']:.2f}, "
        f"{final['without']:.2f} without it",
        f"Three sigmoid layers, SGD at {RATE}, measured every {EVERY} updates on a fixed batch; "
        "band: lowest to highest seed.",
        columns=3,
        height=3.8,
    )
    titles = ("training loss", "drift of layer 3's inputs", "cosine of successive gradients")
    for panel, table, title in zip(axes[0], (losses, drift, cosine), titles, strict=True):
        for kind, shade in SHADES.items():
            x = EVERY * np.arange(1, table[kind].shape[1] + 1)
            name = kind if table is cosine else "_"
            band(panel, x, table[kind], label=name, color=COLOURS[shade], lw=1.6)
        title_panel(panel, title, x="update")
    axes[0, 1].set_yscale("log")
    label_ends(axes[0, 2], gap=0.08)
    return Picture("drift", drawn, "Loss, drift and smoothness of the three nets.")
