"""L1 makes weights zero, L2 makes them small.

:number: 8
:question: How many weights do L1 and L2 leave, at which accuracy, and are any exactly zero?
:source: 000 and 002, section "L1, L2 regularisation"
:minutes: 1.0

A net of one hidden layer of 100 ReLU units is trained by SGD with either penalty over a path of
lambda. L1 is tried twice: as the lecture has it, added to the loss, and with a proximal step after
each update, w <- sign(w) max(|w| - rate lambda, 0). Claims are judged at the largest lambda of the
path at which L1 costs at most one point of accuracy. Two forms are tried at their word: the
lecture's lambda stands in `reg` and again before it; and `weight_decay` is called the same as L2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import train_arms
from torchclinic.gallery.data import images, pixels
from torchclinic.gallery.style import COLOURS, band, figure, title_panel
from torchclinic.nn.nets import MLP
from torchclinic.training import seeded

PLACE = "000 and 002, L1, L2 regularisation"
Kind = Literal["none", "L1", "L1, proximal", "L2"]
KINDS: tuple[Kind, ...] = ("L1", "L1, proximal", "L2")
PATH = (1e-5, 1e-4, 1e-3, 3e-3, 5e-3, 1e-2)
RATE, SMALL = 0.1, 1e-3
HARMLESS = 0.01  # accuracy that a penalty may cost where claims are judged
SHADES = {"L1": "vermilion", "L1, proximal": "purple", "L2": "blue", "none": "grey"}


@dataclass(frozen=True)
class Fit:
    """One trained net: its weights, its test accuracy, its last training loss."""

    weights: np.ndarray
    accuracy: float
    loss: float

    @property
    def small(self) -> float:
        """Share of the weights below 0.001 in size."""
        return float((np.abs(self.weights) < SMALL).mean())

    @property
    def zero(self) -> float:
        """Share of the weights that are exactly zero."""
        return float((self.weights == 0).mean())


def run(settings: Settings) -> Outcome:
    """Fit along the path, then compare the forms of L2."""
    path = settings.pick(PATH, PATH[1:4])
    kinds: list[Kind] = [kind for kind in KINDS if kind != "L1, proximal"]
    in_loss: list[tuple[Kind, float]] = [("none", 0.0), *product(kinds, path)]
    found: dict[tuple[Kind, float], list[Fit]] = {}
    arms = {str(cell): penalised(settings, *cell) for cell in in_loss}
    trained = train_arms(arms, settings, what="L1 and L2", end=0.6, keep_models=True)
    for cell in in_loss:
        found[cell] = [fit_of(run) for run in trained[str(cell)].runs]
    for place, weight in enumerate(path):
        settings.tell(0.6 + 0.4 * place / len(path), f"L1, proximal, lambda {weight:g}")
        fits = [proximal_fit(settings, weight, seed) for seed in settings.runs]
        found["L1, proximal", weight] = fits
    chosen = strongest(found)
    numbers = {
        f"{what}, {kind}, lambda {weight:g}": float(np.mean([getattr(f, what) for f in fits]))
        for (kind, weight), fits in found.items()
        for what in ("small", "zero", "accuracy", "loss")
    }
    numbers["lambda at which claims are judged"] = chosen
    return Outcome(
        claims=(*sparsity(found, chosen), *forms(settings)),
        numbers=numbers,
        pictures=(path_picture(found, chosen, settings), histograms(found, chosen, settings)),
    )


def recipe(settings: Settings, steps: int) -> tc.Recipe:
    """The training without a penalty."""
    return tc.Recipe(
        model=partial(MLP, pixels(settings), 1, 100, 10, activation="relu"),
        data=images(settings), loss=nn.CrossEntropyLoss(), optimizer=partial(SGD, lr=RATE),
        batch_size=32, steps=steps, metric="accuracy",
    )  # fmt: skip


def penalised(settings: Settings, kind: Kind, weight: float) -> tc.Recipe:
    """The training with a penalty in the loss, or without one."""
    job = recipe(settings, settings.pick(4000, 800))
    penalty: dict[Kind, tuple[tc.Penalty, ...]] = {
        "L1": (tc.Penalty("l1", weight),),
        "L2": (tc.Penalty("l2", weight),),
    }
    return job.replace(penalties=penalty.get(kind, ()))


def proximal_fit(settings: Settings, weight: float, seed: int) -> Fit:
    """Train once, with a step towards zero after each update."""
    job = recipe(settings, settings.pick(4000, 800))
    with seeded(seed):
        net = job.model()
    step = proximal(net, RATE * weight)
    job = job.replace(model=lambda: net)
    return fit_of(tc.train(job, seed, test=True, on_step=step, keep_model=True))


def fit_of(done: tc.Run) -> Fit:
    """What a run came to."""
    last = done.history.last("test")
    assert last is not None
    weights = torch.cat([p.detach().flatten() for p in done.model.parameters() if p.dim() > 1])
    loss = float(np.mean(done.history.losses[-50:]))
    return Fit(weights.numpy().copy(), float(last.metric or 0.0), loss)


def proximal(net: nn.Module, threshold: float) -> Callable[[int, Tensor], None]:
    """After each update: every weight a step towards zero, and not beyond."""
    weights = [p for p in net.parameters() if p.dim() > 1]

    def shrink(step: int, loss: Tensor) -> None:
        del step, loss
        with torch.no_grad():
            for weight in weights:
                weight.copy_(nn.functional.softshrink(weight, threshold))

    return shrink


def strongest(found: dict[tuple[Kind, float], list[Fit]]) -> float:
    """The largest lambda that costs L1 at most one point of accuracy."""
    free = np.mean([f.accuracy for f in found["none", 0.0]])
    path = [weight for kind, weight in found if kind == "L1"]
    kept = [w for w in path if np.mean([f.accuracy for f in found["L1", w]]) > free - HARMLESS]
    return max(kept, default=path[0])


def sparsity(found: dict[tuple[Kind, float], list[Fit]], chosen: float) -> list[Claim]:
    """What the penalties leave at the chosen lambda."""
    one, two, free = found["L1", chosen], found["L2", chosen], found["none", 0.0]
    place = f"lambda {chosen:g}"
    return [
        judge(
            "L1 leads to a small number of non-zero weights, a sparse net.",
            source=PLACE,
            measure=f"share of |w| < 0.001 with L1, {place}",
            values=[f.small for f in one],
            above=0.5,
        ),
        judge(
            "L1 leads to a small number of non-zero weights, a sparse net.",
            source=PLACE,
            measure=f"share of weights that are exactly zero with L1 in the loss, {place}",
            values=[f.zero for f in one],
            above=0.5,
            if_refuted="a gradient step carries a weight over zero and the next one back, by rate "
            "times lambda; a proximal step stops at zero and leaves "
            f"{np.mean([f.zero for f in found['L1, proximal', chosen]]):.0%} of them there.",
        ),
        judge(
            "L2 leads to a large number of small non-zero weights.",
            source=PLACE,
            measure=f"share of |w| < 0.001 with L2, {place}",
            values=[f.small for f in two],
            below=0.1,
        ),
        judge(
            "L2 leads to a large number of small non-zero weights.",
            source=PLACE,
            measure=f"median |w| with L2 over that without a penalty, {place}",
            values=[
                float(np.median(np.abs(a.weights)) / np.median(np.abs(b.weights)))
                for a, b in zip(two, free, strict=True)
            ],
            below=0.9,
        ),
        judge(
            "L1 and L2 affect the convergence of the net but weakly.",
            source=PLACE,
            measure=f"test accuracy with L1 less that without, {place}",
            values=[a.accuracy - b.accuracy for a, b in zip(one, free, strict=True)],
            above=-0.02,
            below=0.02,
        ),
    ]


def forms(settings: Settings) -> list[Claim]:
    """L2 in the loss against `weight_decay`, and lambda written twice."""
    strength = 0.01

    def weights(job: tc.Recipe, seed: int) -> Tensor:
        net = tc.train(job, seed, keep_model=True).model
        return torch.cat([p.detach().flatten() for p in net.parameters()])

    def distance(seed: int, decay: float) -> float:
        job = recipe(settings, 100)
        penalty = tc.Penalty("l2", strength, skip_norms_and_biases=False)
        in_loss = weights(job.replace(penalties=(penalty,)), seed)
        decayed = partial(SGD, lr=RATE, weight_decay=decay)
        other = weights(job.replace(optimizer=decayed), seed)
        return float((in_loss - other).norm() / in_loss.norm())

    doubled = [distance(seed, 2 * strength) for seed in settings.runs]
    return [
        judge(
            "L2 regularisation is tied to the optimizer's weight_decay: lambda sum w^2.",
            source="002, L1, L2 regularisation",
            measure="relative distance of the weights after 100 updates: weight_decay = lambda "
            "against lambda sum w^2 in the loss",
            values=[distance(seed, strength) for seed in settings.runs],
            below=1e-4,
            if_refuted="the derivative of lambda w^2 is 2 lambda w, weight_decay adds lambda w: "
            f"weight_decay = 2 lambda leaves a distance of {max(doubled):.1g}.",
        ),
        judge(
            "Loss_reg = loss + lambda reg, with reg = lambda sum |w|.",
            source=PLACE,
            measure="penalty by these two formulas over lambda sum |w|, lambda = 0.01",
            values=strength * strength / strength,
            above=0.99,
            below=1.01,
            if_refuted="lambda stands in both formulas, so that the penalty gets its square; one "
            "of the two is too many.",
        ),
    ]


def path_picture(
    found: dict[tuple[Kind, float], list[Fit]], chosen: float, settings: Settings
) -> Picture:
    """Small weights and accuracy along the path."""
    one, two = (np.mean([f.small for f in found[kind, chosen]]) for kind in ("L1", "L2"))
    drawn, ((left, right),) = figure(
        f"At lambda = {chosen:g} L1 leaves {1 - one:.0%} of the weights, L2 {1 - two:.0%}",
        f"{pixels(settings)}-100-10 with ReLU on {settings.data}, SGD, mean and range of "
        f"{len(settings.runs)} seeds",
        columns=2,
    )
    free = found["none", 0.0]
    path = [weight for kind, weight in found if kind == "L1"]
    for axes, what, title in (
        (left, "small", "Share of weights with |w| < 0.001"),
        (right, "accuracy", "Test accuracy"),
    ):
        for kind in KINDS:
            rows = np.array([[getattr(f, what) for f in found[kind, weight]] for weight in path]).T
            shade, style = COLOURS[SHADES[kind]], "--" if kind == "L1, proximal" else "-"
            band(axes, path, rows, label=kind, color=shade, ls=style, marker="o", ms=4)
        level = float(np.mean([getattr(f, what) for f in free]))
        axes.axhline(level, color=COLOURS["grey"], lw=1, ls=":", label="no penalty")
        axes.set_xscale("log")
        title_panel(axes, title, x="lambda")
    left.legend()
    return Picture("path", drawn, "Both lose accuracy in the end; only L1 empties the net first.")


def histograms(
    found: dict[tuple[Kind, float], list[Fit]], chosen: float, settings: Settings
) -> Picture:
    """Weights at the chosen lambda."""
    kinds: tuple[tuple[Kind, float], ...] = (("none", 0.0), ("L2", chosen), ("L1", chosen))
    drawn, panels = figure(
        "L2 pulls all weights in, L1 piles them up at zero",
        f"Weights after training with lambda = {chosen:g} on {settings.data}, seed 0, logarithmic",
        columns=3, height=3.4, sharex=True, sharey=True,
    )  # fmt: skip
    bins = np.linspace(-0.5, 0.5, 101)
    for axes, key in zip(panels.flat, kinds, strict=True):
        first = found[key][0]
        axes.hist(np.clip(first.weights, -0.5, 0.5), bins, color=COLOURS[SHADES[key[0]]], log=True)
        name = "no penalty" if key[0] == "none" else key[0]
        title_panel(axes, f"{name}: {first.small:.0%} below 0.001", x="weight")
    return Picture("histograms", drawn, "The bar at zero is what L1 has switched off.")
