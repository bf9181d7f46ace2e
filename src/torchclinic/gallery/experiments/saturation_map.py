"""White pixels of the saturation map pass no gradient.

:number: 6
:question: How many tanh units saturate with N(0, 1) weights, are any dead, and what cures them?
:source: 001, section 1.2 "Values of the intermediate activations"
:minutes: 0.1

The lecture's MLP of 784-128-10 with N(0, 1) parameters is given a batch of 32 images; the map is
white where |h| > 0.99. The cure is its next section's: weights divided by sqrt(fan_in), times the
gain of tanh, and biases of zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that everybody knows it by
from torch.optim import SGD

import torchclinic as tc
from torchclinic.gallery import Outcome, Picture, Settings, judge
from torchclinic.gallery.data import images, pixels
from torchclinic.gallery.style import COLOURS, dots, figure, title_panel
from torchclinic.training import seeded, train

PLACE = "001, 1.2 Values of the activations"
GAIN = (
    "tanh's gain 5/3 alone puts 11 % of a normal pre-activation beyond |h| = 0.99: tanh(2.65) is "
    "0.99, and 2.65 is 1.59 times 5/3. With gain 1 it would be 0.8 %."
)
ROWS, UNITS, LIMIT = 32, 128, 0.99


class TanhMLP(nn.Module):
    """784-128-10 with tanh; weights N(0, 1) / sqrt(fan_in) times `scale`, or N(0, 1).

    **Shape**: (N, features) -> (N, 10).
    """

    def __init__(self, features: int, *, cured: bool) -> None:
        super().__init__()
        self.l1, self.l2 = nn.Linear(features, UNITS), nn.Linear(UNITS, 10)
        for layer, gain in ((self.l1, tc.init.gain("tanh")), (self.l2, 1.0)):
            nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.in_features) if cured else 1.0)
            nn.init.normal_(layer.bias, std=0.0 if cured else 1.0)

    def hidden(self, x: Tensor) -> Tensor:
        """Outputs of the tanh units."""
        return torch.tanh(self.l1(x))

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the ten classes."""
        return self.l2(self.hidden(x))


def run(settings: Settings) -> Outcome:
    """Map both nets, fresh and trained, and look at what passes the white pixels."""
    x, labels = images(settings).train
    x, labels = x[:ROWS], labels[:ROWS]
    steps = settings.pick(1000, 500)
    models: dict[tuple[str, str], list[nn.Module]] = {}
    for place, seed in enumerate(settings.runs):
        settings.tell(place / len(settings.runs), "training")
        for name, cured in (("N(0, 1)", False), ("gain / sqrt(fan_in)", True)):
            build = partial(TanhMLP, pixels(settings), cured=cured)
            with seeded(seed):
                models.setdefault((name, "fresh"), []).append(build())
            models.setdefault((name, "trained"), []).append(trained(build, settings, seed, steps))
    maps = {key: [white(net, x) for net in nets] for key, nets in models.items()}
    shares = {key: [float(m.mean()) for m in rows] for key, rows in maps.items()}
    dead = {key: [float(m.all(axis=0).mean()) for m in rows] for key, rows in maps.items()}
    passed = [gradient_shares(net, x, labels) for net in models["N(0, 1)", "fresh"]]
    before, after = ("N(0, 1)", "fresh"), ("gain / sqrt(fan_in)", "fresh")

    claims = (
        judge(
            "The scale of the problem: most of the map is white.",
            source=PLACE,
            measure="share of |h| > 0.99 with N(0, 1) parameters",
            values=shares[before],
            above=0.5,
        ),
        judge(
            "The gradient is destroyed wherever a pixel is white.",
            source=PLACE,
            measure="gradient before the tanh over that behind it, on white pixels",
            values=[white_share for white_share, _ in passed],
            below=0.02,
            reason="tanh's slope at |h| = 0.99 is 1 - 0.99^2 = 0.0199.",
        ),
        judge(
            "And if a whole column is white? There are such columns.",
            source=PLACE,
            measure=f"share of units that saturate on all {ROWS} images",
            values=dead[before],
            above=0.0,
            if_not_settled="not every draw has one.",
            if_refuted="each unit leaves its flat part on some of the images.",
        ),
        judge(
            "Weights divided by sqrt(fan_in) keep the units out of saturation.",
            source="001, 1.3 And how is it right?",
            measure="share of |h| > 0.99 with gain / sqrt(fan_in)",
            values=shares[after],
            below=0.1,
            if_refuted=GAIN,
            if_not_settled=GAIN,
        ),
        judge(
            "In a small net the problems of the start are not critical: it is trained anyway.",
            source="001, Summary",
            measure=f"share of white pixels after {steps:,} updates over that at the start",
            values=np.divide(shares["N(0, 1)", "trained"], shares[before]),
            below=0.5,
            if_refuted="the last layer is trained around the saturated units; they themselves stay "
            "where they are, since what would move them does not pass.",
        ),
    )
    numbers = {f"white share, {n}, {when}": float(np.mean(v)) for (n, when), v in shares.items()}
    numbers |= {f"dead columns, {n}, {when}": float(np.mean(v)) for (n, when), v in dead.items()}
    numbers["gradient passed, white"] = float(np.mean([white_share for white_share, _ in passed]))
    numbers["gradient passed, black"] = float(np.mean([rest for _, rest in passed]))
    return Outcome(
        claims=claims,
        numbers=numbers,
        pictures=(
            maps_picture(maps, shares, settings, steps),
            shares_picture(shares, dead, settings),
        ),
    )


def trained(build: Callable[[], nn.Module], settings: Settings, seed: int, steps: int) -> nn.Module:
    """The net after SGD with the lecture's learning rate 0.1."""
    recipe = tc.Recipe(
        model=build, data=images(settings), loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=0.1), batch_size=ROWS, steps=steps,
    )  # fmt: skip
    return train(recipe, seed, keep_model=True).model


def white(net: nn.Module, x: Tensor) -> np.ndarray:
    """Where |h| > 0.99, shape (images, units)."""
    assert isinstance(net, TanhMLP)
    with torch.no_grad():
        return (net.hidden(x).abs() > LIMIT).numpy()


def gradient_shares(net: nn.Module, x: Tensor, labels: Tensor) -> tuple[float, float]:
    """Root mean square gradient before the tanh over that behind it: white pixels, the others."""
    assert isinstance(net, TanhMLP)
    z = net.l1(x).detach().requires_grad_()
    h = torch.tanh(z)
    loss = F.cross_entropy(net.l2(h), labels)
    before, behind = torch.autograd.grad(loss, (z, h))
    is_white = h.detach().abs() > LIMIT

    def share(chosen: Tensor) -> float:
        return float(before[chosen].norm() / behind[chosen].norm())

    return share(is_white), share(~is_white)


def maps_picture(
    maps: dict[tuple[str, str], list[np.ndarray]],
    shares: dict[tuple[str, str], list[float]],
    settings: Settings,
    steps: int,
) -> Picture:
    """The maps of seed 0, fresh and trained."""
    bad, good = (np.mean(values) for (_, when), values in shares.items() if when == "fresh")
    drawn, panels = figure(
        f"With N(0, 1) weights {bad:.0%} of the map is white, with gain / sqrt(fan_in) {good:.0%}",
        f"White: |h| > 0.99. {ROWS} images of {settings.data} (rows) and {UNITS} units (columns), "
        f"fresh and after {steps:,} updates, seed 0; dead columns are orange",
        rows=2, columns=2, width=12, height=5.2, sharex=True, sharey=True,
    )  # fmt: skip
    for axes, ((name, when), rows) in zip(panels.flat, maps.items(), strict=True):
        shown = rows[0].astype(float)
        axes.imshow(shown, cmap="gray", vmin=0, vmax=1, aspect="auto")
        for column in np.flatnonzero(rows[0].all(axis=0)):
            axes.axvspan(column - 0.5, column + 0.5, color=COLOURS["vermilion"], lw=0)
        title_panel(axes, f"{name}, {when}: {rows[0].mean():.0%} white")
        axes.grid(visible=False)
        axes.spines[:].set_visible(True)
    for axes in panels[-1]:
        axes.set_xlabel("unit")
    for axes in panels[:, 0]:
        axes.set_ylabel("image")
    return Picture("maps", drawn, "A white pixel: this unit learns nothing from this image.")


def shares_picture(
    shares: dict[tuple[str, str], list[float]],
    dead: dict[tuple[str, str], list[float]],
    settings: Settings,
) -> Picture:
    """Shares of saturated values and of dead units, every seed."""
    fresh, after = (float(np.mean(shares["N(0, 1)", when])) for when in ("fresh", "trained"))
    verb = "shrinks" if after < 0.5 * fresh else "hardly cures"
    drawn, ((left, right),) = figure(
        f"Training {verb} N(0, 1) weights: {fresh:.0%} saturated before, {after:.0%} after",
        f"{settings.data}, dots are {len(settings.runs)} seeds, bars their mean",
        columns=2, height=2.8, sharey=True,
    )  # fmt: skip
    for axes, table, title in (
        (left, shares, "Share of saturated values"),
        (right, dead, f"Share of units saturated on all {ROWS} images"),
    ):
        dots(axes, {f"{name}, {when}": values for (name, when), values in table.items()})
        title_panel(axes, title)
    return Picture("shares", drawn, "Every seed is a dot.")
