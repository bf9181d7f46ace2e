"""Rare features and adaptive learning rates.

:number: 16
:question: Do adaptive learning rates learn the weights of rare features that SGD leaves behind?
:source: lecture 000, "Minuses of SGD", "Adaptive Learning Rate", "Adagrad"
:minutes: 0.1

A filter for Siamese cats, a weight for the word "molvit": "if the learning rate is constant, we
learn the parameters of such a word badly. The only way is to give each parameter a learning rate
of its own." A logistic regression has twenty features of equal weight; ten are on in half of the
rows, ten in one of a hundred. Each optimizer gets the rate (of eight) at which its training loss is
lowest, and the share of its weights that it has learnt is compared: rare against common.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from torchclinic.core import Series
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.style import COLOURS, band, dots, figure, label_ends, title_panel
from torchclinic.optim import make
from torchclinic.training import seeded

LECTURE = "000, Adaptive Learning Rate"
COMMON, RARE, WEIGHT = 0.5, 0.01, 2.0
ROWS, BATCH = 4000, 32
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
NAMES: tuple[str, ...] = ("sgd", "momentum", "adagrad", "rmsprop", "adam")
SHADES: dict[str, str] = dict(
    zip(NAMES, ("vermilion", "ochre", "green", "purple", "blue"), strict=True)
)


def rows_of(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Features, labels and the true weights: ten common ones, then ten rare ones."""
    generator = torch.Generator().manual_seed(seed)
    chance = torch.tensor([COMMON] * 10 + [RARE] * 10)
    x = (torch.rand(ROWS, 20, generator=generator) < chance).float()
    truth = WEIGHT * torch.tensor([1.0, -1.0] * 10)
    y = (torch.rand(ROWS, generator=generator) < (x @ truth).sigmoid()).float()
    return x, y, truth


def learn(name: str, rate: float, seed: int, epochs: int) -> tuple[np.ndarray, float]:
    """Share of the common and of the rare weights learnt, by epoch, and the last loss."""
    x, y, truth = rows_of(seed)
    loss_of = nn.functional.binary_cross_entropy_with_logits
    weights = torch.zeros(20, requires_grad=True)
    optimizer = make(name, [weights], lr=rate)
    shares = []
    with seeded(seed):
        for _ in range(epochs):
            for rows in torch.randperm(ROWS).split(BATCH):
                optimizer.zero_grad()
                loss_of(x[rows] @ weights, y[rows]).backward()
                optimizer.step()
            found = (weights.detach() / truth).reshape(2, 10).mean(dim=1)
            shares.append(found.tolist())
    with torch.no_grad():
        return np.array(shares), float(loss_of(x @ weights, y))


def run(settings: Settings) -> Outcome:
    """Every optimizer at its best rate."""
    epochs = settings.pick(10, 3)
    learnt, chosen = {}, {}
    for place, name in enumerate(NAMES):
        settings.tell(place / len(NAMES), f"rare features with {name}")
        first = {rate: learn(name, rate, 0, epochs)[1] for rate in RATES}
        chosen[name] = min(RATES, key=lambda rate, first=first: first[rate])
        learnt[name] = np.stack([learn(name, chosen[name], s, epochs)[0] for s in settings.runs])
    steps = tuple(range(1, epochs + 1))
    means = {f"{n}/{kind}": tuple(v[:, :, i].mean(0)) for n, v in learnt.items()
             for i, kind in enumerate(("common", "rare"))}  # fmt: skip
    return Outcome(
        claims=_claims(learnt),
        numbers={
            **{f"learning rate/{name}": rate for name, rate in chosen.items()},
            **{f"share learnt/{name}": float(values[-1]) for name, values in means.items()},
        },
        pictures=(_curves(learnt), _final(learnt, chosen)),
        series={f"share learnt/{name}": Series(steps, values) for name, values in means.items()},
    )


def _lag(learnt: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Share of the rare weights learnt over that of the common ones, at the end, by seed."""
    return learnt[name][:, -1, 1] / learnt[name][:, -1, 0]


def _claims(learnt: dict[str, np.ndarray]) -> tuple[Claim, ...]:
    return (
        judge(
            "A parameter that answers for something rare learns more slowly than the others.",
            source="000, Minuses of SGD",
            measure="SGD: share of the rare weights learnt over that of the common ones",
            values=_lag(learnt, "sgd"),
            below=0.5,
        ),
        judge(
            "Momentum does nothing against it.",
            source=LECTURE,
            measure="momentum: share of the rare weights over that of the common ones",
            values=_lag(learnt, "momentum"),
            below=0.5,
            if_refuted="It is the rate that decides, not the method: with momentum and a larger "
            "step the common weights have long arrived, and the rare ones catch up.",
            if_not_settled="With a larger step the common weights have long arrived, and the rare "
            "ones catch up.",
        ),
        judge(
            "Adagrad's rate for each parameter helps.",
            source="000, Adagrad",
            measure="share of the rare weights learnt: Adagrad minus SGD",
            values=learnt["adagrad"][:, -1, 1] - learnt["sgd"][:, -1, 1],
            above=0.0,
        ),
        judge(
            "So does Adam's.",
            source="000, Adam",
            measure="share of the rare weights learnt: Adam minus SGD",
            values=learnt["adam"][:, -1, 1] - learnt["sgd"][:, -1, 1],
            above=0.0,
        ),
        judge(
            "The only way is to give each parameter a learning rate of its own.",
            source=LECTURE,
            measure="share of the rare weights learnt: the best adaptive minus the best plain one",
            values=np.max([learnt[n][:, -1, 1] for n in ("adagrad", "rmsprop", "adam")], axis=0)
            - np.max([learnt[n][:, -1, 1] for n in ("sgd", "momentum")], axis=0),
            above=0.0,
        ),
    )


def _curves(learnt: dict[str, np.ndarray]) -> Picture:
    drawn, axes = figure(
        f"After the same number of updates SGD has learnt {learnt['sgd'][:, -1, 1].mean():.0%} of "
        f"the rare weights, Adagrad {learnt['adagrad'][:, -1, 1].mean():.0%}",
        "Share of the true weights learnt, common features (on in half of the rows) and rare ones "
        "(one row in a hundred); band: lowest to highest seed.",
        columns=2,
        sharey=True,
    )
    for column, (panel, title) in enumerate(zip(axes[0], ("common", "rare"), strict=True)):
        panel.axhline(1, color=COLOURS["grey"], lw=1, ls=":")
        for name, shade in SHADES.items():
            rows = np.pad(learnt[name][:, :, column], ((0, 0), (1, 0)))
            band(panel, range(rows.shape[1]), rows, label=name, color=COLOURS[shade])
        title_panel(panel, f"{title} features", x="pass over the data", y="share learnt")
    for panel in axes[0]:
        label_ends(panel)
    return Picture("curves", drawn, "Share of common and rare weights learnt.")


def _final(learnt: dict[str, np.ndarray], chosen: dict[str, float]) -> Picture:
    lag = {name: float(_lag(learnt, name).mean()) for name in NAMES}
    best = max(lag, key=lambda name: lag[name])
    drawn, axes = figure(
        f"{best} keeps rare and common weights closest together",
        "Share of the rare weights learnt over that of the common ones; a dot is a seed. Beside "
        "the names: the learning rate with the lowest training loss.",
        height=3.0,
    )
    names = {name: f"{name}  ({chosen[name]:g})" for name in NAMES}
    rows = {label: _lag(learnt, name).tolist() for name, label in names.items()}
    colours = {label: COLOURS[SHADES[name]] for name, label in names.items()}
    dots(axes[0, 0], rows, colours=colours, text="{:.2f}")
    axes[0, 0].axvline(1, color=COLOURS["grey"], lw=1, ls=":")
    return Picture("lag", drawn, "How far the rare weights lag behind.")
