"""Dropout against overfitting: a line with noise.

:number: 9
:question: Does a net without dropout overfit a noisy line, and does dropout cure it?
:source: lecture 000 and 002, "An example of the fight against overfitting with Dropout"
:minutes: 0.2

50 points of a line with noise of deviation 0.3, and 50 more with fresh noise as test set. A net
1-100-100-1 with ReLUs has 10,401 parameters for them; Adam at 0.01, 1,500 updates with all points
at once. Its twin has dropout of 0.5 and 0.2 behind the two hidden linear maps. The best possible
test error is the variance of the noise, 0.09.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from torch import Tensor, nn
from torch.optim import Adam

import torchclinic as tc
from torchclinic.core import Series
from torchclinic.gallery import Animation, Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.style import COLOURS, INK, band, dots, figure, label_ends, title_panel

LECTURE = "000, An example of the fight against overfitting with Dropout"
UPDATES, UNITS, NOISE = 1500, 100, 0.3
GRID = torch.linspace(-1, 1, 201).unsqueeze(1)
SHADES = {"no dropout": "vermilion", "dropout": "blue"}


def plain_net() -> nn.Sequential:
    """The net without dropout."""
    return nn.Sequential(
        nn.Linear(1, UNITS), nn.ReLU(), nn.Linear(UNITS, UNITS), nn.ReLU(), nn.Linear(UNITS, 1)
    )


def dropout_net() -> nn.Sequential:
    """The net with dropout of 0.5 and 0.2 before its ReLUs."""
    return nn.Sequential(
        nn.Linear(1, UNITS),
        nn.Dropout(0.5),
        nn.ReLU(),
        nn.Linear(UNITS, UNITS),
        nn.Dropout(0.2),
        nn.ReLU(),
        nn.Linear(UNITS, 1),
    )


NETS = {"no dropout": plain_net, "dropout": dropout_net}


class Film:
    """What a net says on the grid, and its two losses, at some updates of its training.

    Attributes:
        fits: (frames, points).
        train: Training loss without dropout, by frame.
        test: Test loss, by frame.
    """

    def __init__(self, data: tc.Splits, at: list[int]) -> None:
        self.fits: list[np.ndarray] = []
        self.train: list[float] = []
        self.test: list[float] = []
        self._data, self._at = data, set(at)
        self._net: nn.Module | None = None

    def of(self, make: Callable[[], nn.Module]) -> nn.Module:
        """A model factory's net, remembered."""
        self._net = make()
        return self._net

    def shoot(self, step: int, loss: Tensor) -> None:
        """A frame, if one is due; to be called after each update."""
        del loss
        if step not in self._at or self._net is None:
            return
        self._net.eval()
        with torch.no_grad():
            self.fits.append(self._net(GRID)[:, 0].numpy())
            for kept, (x, y) in ((self.train, self._data.train), (self.test, self._data.test)):
                kept.append(float(nn.functional.mse_loss(self._net(x), y)))
        self._net.train()


def film(name: str, seed: int, at: list[int]) -> Film:
    """Train a net on the points of a seed, and film it."""
    data = tc.data.noisy_line(noise=NOISE, seed=seed)
    taken = Film(data, at)
    recipe = tc.Recipe(
        model=partial(taken.of, NETS[name]),
        data=data,
        loss=nn.MSELoss(),
        optimizer=partial(Adam, lr=0.01),
        batch_size=None,
        epochs=UPDATES,
    )
    tc.train(recipe, seed, on_step=taken.shoot)
    return taken


def run(settings: Settings) -> Outcome:
    """Film both nets for each seed; each seed has its own points."""
    seeds = range(2 * len(settings.runs))  # each with its own points
    frames = settings.pick(50, 20)
    at = np.unique(np.geomspace(1, UPDATES, frames).round().astype(int)).tolist()
    films: dict[str, list[Film]] = {name: [] for name in NETS}
    for place, seed in enumerate(seeds):
        settings.tell(place / len(seeds), "two nets on a noisy line")
        for name in NETS:
            films[name].append(film(name, seed, at))
    test = {name: np.array([f.test for f in found]) for name, found in films.items()}
    train = {name: np.array([f.train for f in found]) for name, found in films.items()}
    return Outcome(
        claims=_claims(train, test),
        numbers={
            **{f"training loss/{name}": float(v[:, -1].mean()) for name, v in train.items()},
            **{f"test loss/{name}": float(v[:, -1].mean()) for name, v in test.items()},
            **{f"best test loss/{name}": float(v.min(axis=1).mean()) for name, v in test.items()},
        },
        pictures=(_losses(at, train, test), _finals(test)),
        animations=(_animation(at, films, test),),
        series={f"test loss/{n}": Series(tuple(at), tuple(v.mean(0))) for n, v in test.items()},
    )


def _claims(train: dict[str, np.ndarray], test: dict[str, np.ndarray]) -> tuple[Claim, ...]:
    plain, dropout = test["no dropout"], test["dropout"]
    return (
        judge(
            "The net without dropout overfitted strongly.",
            source=LECTURE,
            measure="test loss over training loss at the end, no dropout, log2",
            values=np.log2(plain[:, -1] / train["no dropout"][:, -1]),
            above=1.0,
            unit="doublings",
        ),
        judge(
            "Dropout helps against overfitting.",
            source=LECTURE,
            measure="test loss at the end: no dropout over dropout, log2",
            values=np.log2(plain[:, -1] / dropout[:, -1]),
            above=0.0,
        ),
        judge(
            "(For comparison:) stopping the plain net at its best test loss does as well.",
            source="besides 000",
            measure="best test loss without dropout minus last test loss with it",
            values=plain.min(axis=1) - dropout[:, -1],
            below=0.0,
            reason="The best point is chosen on the test set itself, which flatters it.",
        ),
    )


def _losses(at: list[int], train: dict[str, np.ndarray], test: dict[str, np.ndarray]) -> Picture:
    final = {name: values[:, -1].mean() for name, values in test.items()}
    drawn, axes = figure(
        f"Without dropout the test loss ends at {final['no dropout']:.3f}, with it at "
        f"{final['dropout']:.3f}; the noise alone is {NOISE**2:.2f}",
        f"Mean squared error over the training, {len(test['dropout'])} draws of the points; "
        "band: lowest to highest.",
        columns=2,
        sharey=True,
    )
    axes[0, 0].set(yscale="log", ylim=(0.015, 0.4))
    for panel, table, title in zip(axes[0], (train, test), ("training", "test"), strict=True):
        panel.axhline(NOISE**2, color=COLOURS["grey"], ls=":", lw=1)
        for name, shade in SHADES.items():
            band(panel, at, table[name], label=name, color=COLOURS[shade])
        panel.set_xscale("log")
        title_panel(panel, f"{title} loss", x="update", y="mean squared error")
        label_ends(panel)
    return Picture("losses", drawn, "Training and test loss with and without dropout.")


def _finals(test: dict[str, np.ndarray]) -> Picture:
    gain = test["no dropout"][:, -1] - test["dropout"][:, -1]
    drawn, axes = figure(
        f"Dropout has the lower test loss in {int((gain > 0).sum())} of {len(gain)} draws",
        f"Test loss after {UPDATES} updates; a dot is a draw of the points, the bar their mean.",
        height=2.2,
    )
    rows = {name: values[:, -1].tolist() for name, values in test.items()}
    dots(axes[0, 0], rows, colours={name: COLOURS[shade] for name, shade in SHADES.items()})
    axes[0, 0].axvline(NOISE**2, color=COLOURS["grey"], ls=":", lw=1)
    title_panel(axes[0, 0], "", x="mean squared error; dotted: variance of the noise")
    return Picture("finals", drawn, "Test loss at the end by draw of the points.")


def _animation(
    at: list[int], films: dict[str, list[Film]], test: dict[str, np.ndarray]
) -> Animation:
    drawn, axes = figure(
        "Without dropout the net learns the noise, with it the line",
        "One draw of the points (left); test loss of all draws (right).",
        columns=2,
        height=4.0,
    )
    data = tc.data.noisy_line(noise=NOISE, seed=0)
    draw = partial(_frame, drawn, axes[0], data, at, films, test)
    return Animation("fits", drawn, draw, len(at), "Both fits during the training.", per_second=6)


def _frame(
    drawn: Figure,
    axes: np.ndarray,
    data: tc.Splits,
    at: list[int],
    films: dict[str, list[Film]],
    test: dict[str, np.ndarray],
    frame: int,
) -> None:
    """Draw one frame of the animation."""
    del drawn
    left, right = axes
    left.clear()
    right.clear()
    left.plot([-1, 1], [-1, 1], color=COLOURS["grey"], lw=1.2, ls="--", label="_true line")
    for (x, y), marker, name in ((data.train, "o", "training"), (data.test, "x", "test")):
        left.scatter(x, y, s=18, marker=marker, color=INK, alpha=0.45, lw=1, label=name)
    for name, shade in SHADES.items():
        left.plot(GRID[:, 0], films[name][0].fits[frame], color=COLOURS[shade], label=name)
        band(right, at[: frame + 1], test[name][:, : frame + 1], color=COLOURS[shade])
    left.set(xlim=(-1.05, 1.05), ylim=(-1.9, 1.9))
    left.legend(loc="upper left", ncols=2)
    right.set(xscale="log", yscale="log", xlim=(1, UPDATES), ylim=(0.05, 0.4))
    right.set_yticks([0.05, 0.1, 0.2, 0.4], ["0.05", "0.1", "0.2", "0.4"])
    right.axhline(NOISE**2, color=COLOURS["grey"], ls=":", lw=1)
    right.yaxis.set_minor_formatter(NullFormatter())
    left.set_title(f"update {at[frame]}", y=1.0)  # a title of a given height is drawn twice as fast
    right.set_title("test loss", y=1.0)
    left.set(xlabel="x", ylabel="y")
    right.set(xlabel="update", ylabel="mean squared error")
