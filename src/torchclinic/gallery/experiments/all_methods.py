"""All methods side by side.

:number: 24
:question: Baseline, dropout, DropConnect, BatchNorm, LayerNorm: which is best, and by how much?
:source: lecture 004, part 4 "Comparison of all methods" and "Conclusions of the third part"
:minutes: 38

The seminar ends with one picture of five nets, one seed each: TestNetwork with 196-128-128-10
(baseline), with dropout of 0.3, with DropConnect (a single layer of 196 to 10), with BatchNorm (of
512 and 128 units) and with its own LayerNormalization. Adam at 1e-3, 20 epochs. It concludes that
BatchNorm and LayerNorm "do not differ visibly, but Batch is a little better", that nets with norms
"reach saturation after 1 or 2 epochs", and that DropConnect "is even worse than the baseline".

The five are repeated over seeds, as a study with verdicts. Three of them differ from the baseline
in more than their name says, so three more arms are added: DropConnect in the same three layers,
BatchNorm at the same widths, and LayerNorm with the mean of each row. The seminar's
LayerNormalization takes its mean and deviation over the whole batch.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam

import torchclinic as tc
from torchclinic.core import PairedComparison
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import epochs, images
from torchclinic.gallery.style import (
    COLOURS,
    band,
    dots,
    figure,
    label_ends,
    title_panel,
)
from torchclinic.gallery.text.numbers import points
from torchclinic.nn.dropout import DropConnectLinear
from torchclinic.nn.nets import TestNetwork
from torchclinic.study import fewest_seeds, holm, paired_comparison

LECTURE = "004, conclusions of the third part"
SEMINAR = ("Baseline", "Dropout", "Dropconnect", "BatchNormed", "LayerNormed")
FAIR = ("DropConnect, 3 layers", "BatchNorm, same width", "LayerNorm, by row")
SHADES: dict[str, str] = dict(
    zip(
        (*SEMINAR, *FAIR),
        ("grey", "green", "vermilion", "blue", "purple", "rose", "black", "ochre"),
        strict=True,
    )
)


class WholeBatchNorm(nn.Module):
    """The seminar's LayerNormalization: mean and deviation of the batch as a whole."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(features))
        self.beta = nn.Parameter(torch.zeros(features))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise all values of all rows together."""
        return self.alpha * (x - x.mean()) / (x.std() + 1e-8) + self.beta


def net(name: str, size: int) -> TestNetwork:
    """One of the eight nets."""
    if name == "Dropconnect":
        features = 4 * (size // 4) ** 2
        return TestNetwork(
            nn.Sequential(nn.ReLU(), DropConnectLinear(features, 10, p=0.2)), size=size
        )
    switches = {
        "Dropout": {"dropout": 0.3},
        "BatchNormed": {"norm": "batch", "hidden": (512, 128)},
        "LayerNormed": {"norm": WholeBatchNorm},
        "DropConnect, 3 layers": {"drop_connect": 0.2},
        "BatchNorm, same width": {"norm": "batch"},
        "LayerNorm, by row": {"norm": "layer"},
    }
    return TestNetwork(size=size, **switches.get(name, {}))


def recipe(settings: Settings, name: str) -> tc.Recipe:
    """The seminar's training of a net."""
    return tc.Recipe(
        name=name,
        model=partial(net, name, 28 if settings.data == "mnist" else 8),
        data=images(settings, flat=False),
        loss=nn.NLLLoss(),
        optimizer=partial(Adam, lr=1e-3),
        batch_size=128 if settings.data == "mnist" else 32,
        epochs=epochs(settings, mnist=20, digits=44),
        metric="accuracy",
    )


def run(settings: Settings) -> Outcome:
    """Eight nets, then every one against the baseline."""
    found = train_arms({n: recipe(settings, n) for n in SHADES}, settings, what="eight nets")
    final = {name: np.asarray(curve.final) for name, curve in found.items()}
    table = {name: compared(final, settings, name) for name in SHADES if name != "Baseline"}
    corrected = holm([comparison.p_value for comparison in table.values()])
    return Outcome(
        claims=_claims(found, final),
        numbers={
            **{f"accuracy/{name}": float(values.mean()) for name, values in final.items()},
            **{f"loss/{name}": float(np.mean(c.final_loss)) for name, c in found.items()},
            **{f"gain over the baseline/{n}": c.mean_difference for n, c in table.items()},
            **{f"p after Holm/{n}": p for n, p in zip(table, corrected, strict=True)},
        },
        pictures=(_curves(found), _verdicts(table, corrected), _scores(found)),
        series={f"accuracy/{name}": c.series() for name, c in found.items()}
        | {f"loss/{name}": c.series("loss") for name, c in found.items()},
        notes=_too_few(len(settings.runs)),
    )


def _too_few(seeds: int) -> tuple[str, ...]:
    fewest = fewest_seeds()
    if seeds >= fewest:
        return ()
    return (f"{seeds} seeds: a sign-flip test cannot reach p < 0.05 with fewer than {fewest}",)


def compared(final: dict[str, np.ndarray], settings: Settings, name: str) -> PairedComparison:
    """A net against the baseline, paired by seed."""
    return paired_comparison(
        final["Baseline"].tolist(),
        final[name].tolist(),
        seeds=settings.runs,
        metric="accuracy",
        higher_is_better=True,
        chance=0.1,
    )


def _claims(found: dict[str, Curves], final: dict[str, np.ndarray]) -> tuple[Claim, ...]:
    first = {name: _early(curve) for name, curve in found.items()}
    norms = np.mean([first["BatchNormed"], first["LayerNormed"]], axis=0)
    return (
        judge(
            "Batch and Layer do not differ visibly.",
            source=LECTURE,
            measure="test accuracy: BatchNormed minus LayerNormed, the seminar's nets",
            values=final["BatchNormed"] - final["LayerNormed"],
            above=-0.02,
            below=0.02,
        ),
        judge(
            "... but Batch is a little better.",
            source=LECTURE,
            measure="test accuracy: BatchNormed minus LayerNormed, the seminar's nets",
            values=final["BatchNormed"] - final["LayerNormed"],
            above=0.0,
            if_not_settled="The BatchNormed net also has a hidden layer four times as wide.",
        ),
        judge(
            "... because it is BatchNorm, and not because its net is wider.",
            source="004, part 3: 196-512-128-10 against 196-128-128-10",
            measure="test accuracy: BatchNorm minus LayerNorm by row, same widths",
            values=final["BatchNorm, same width"] - final["LayerNorm, by row"],
            above=0.0,
        ),
        judge(
            "Nets with norms train very fast.",
            source=LECTURE,
            measure="test accuracy after a tenth of the training: norms minus baseline",
            values=norms - first["Baseline"],
            above=0.0,
        ),
        judge(
            "Dropconnect is worse even than the reference model.",
            source=LECTURE,
            measure="test accuracy: Baseline minus Dropconnect, the seminar's nets",
            values=final["Baseline"] - final["Dropconnect"],
            above=0.0,
        ),
        judge(
            "... also in the same three layers.",
            source=LECTURE,
            measure="test accuracy: Baseline minus DropConnect, 3 layers",
            values=final["Baseline"] - final["DropConnect, 3 layers"],
            above=0.0,
        ),
        judge(
            "In layer normalization each object is normalised by itself (the seminar's code).",
            source="004, part 3, LayerNormalization",
            measure="largest change of a row's output when the other rows of its batch change",
            values=cross_talk(WholeBatchNorm(8)),
            below=1e-6,
            if_refuted="x.mean() and x.std() without a dimension run over the whole batch; "
            "x.mean(-1, keepdim=True) and the deviation likewise are meant. torch's nn.LayerNorm: "
            f"{cross_talk(nn.LayerNorm(8)):.0e}.",
        ),
    )


def _early(curve: Curves) -> np.ndarray:
    """Accuracy at the first evaluation after a tenth of the training, by seed."""
    place = int(np.searchsorted(curve.steps, 0.1 * curve.steps[-1]))
    return curve.metric[:, place]


def cross_talk(norm: nn.Module) -> float:
    """How much the output for a row depends on the other rows of its batch."""
    rows = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    other = torch.cat([rows[:1], 10 * rows[1:]])
    with torch.no_grad():
        return float((norm(rows)[0] - norm(other)[0]).abs().max())


def _curves(found: dict[str, Curves]) -> Picture:
    ends = {name: float(np.mean(found[name].final)) for name in SEMINAR}
    *others, last = sorted(SEMINAR, key=lambda name: -ends[name])
    drawn, axes = figure(
        f"{last} ends {points(ends[others[-1]] - ends[last])} below the seminar's other four nets, "
        f"which lie within {points(ends[others[0]] - ends[others[-1]])}",
        "Test loss and accuracy during the training; band: lowest to highest seed.",
        columns=2,
        height=4.6,
    )
    for name in SEMINAR:
        curve, shade = found[name], COLOURS[SHADES[name]]
        band(axes[0, 0], curve.steps, curve.loss, label=name, color=shade)
        band(axes[0, 1], curve.steps, curve.metric, label=name, color=shade)
    axes[0, 0].set_yscale("log")
    for panel, title in zip(axes[0], ("test loss", "test accuracy"), strict=True):
        title_panel(panel, title, x="update")
        label_ends(panel)
    return Picture("curves", drawn, "The five nets of the seminar with bands over seeds.")


def _verdicts(table: dict[str, PairedComparison], corrected: tuple[float, ...]) -> Picture:
    better = [n for n, c in table.items() if c.low > 0]
    worse = [n for n, c in table.items() if c.high < 0]
    drawn, axes = figure(
        f"By their intervals {len(better)} of {len(table)} arms beat the baseline, "
        f"{len(worse)} lose to it, {len(table) - len(better) - len(worse)} are not told apart",
        "Mean gain in test accuracy over the baseline, paired by seed, with its 95 % interval "
        f"(BCa); beside it the share of seeds won and p after Holm{_reach(table)}.",
        height=3.6,
    )
    panel = axes[0, 0]
    panel.axvline(0, color=COLOURS["grey"], lw=1)
    for place, ((name, found), p) in enumerate(zip(table.items(), corrected, strict=True)):
        shade = COLOURS["blue" if name in better else "vermilion" if name in worse else "grey"]
        panel.plot([100 * found.low, 100 * found.high], [place, place], color=shade, lw=2.4)
        panel.plot(100 * found.mean_difference, place, "o", color=shade, ms=8)
        panel.annotate(
            f"wins {found.superiority:.0%}, p = {p:.2g}", (1, place), color=shade, va="center",
            xycoords=panel.get_yaxis_transform(), xytext=(6, 0), textcoords="offset points",
        )  # fmt: skip
    panel.set_yticks(range(len(table)), list(table))
    panel.set_ylim(len(table) - 0.5, -0.5)
    panel.grid(visible=False, axis="y")
    title_panel(panel, "", x="gain over the baseline in points of accuracy")
    return Picture("verdicts", drawn, "Every arm against the baseline.")


def _reach(table: dict[str, PairedComparison]) -> str:
    """What the number of seeds keeps p from."""
    seeds = min(len(comparison.seeds) for comparison in table.values())
    return "" if seeds >= fewest_seeds() else f" ({seeds} seeds cannot bring it below 0.05)"


def _scores(found: dict[str, Curves]) -> Picture:
    wide = float(np.mean(found["BatchNormed"].final) - np.mean(found[FAIR[1]].final))
    drawn, axes = figure(
        f"The wider layer is worth {points(wide)} to BatchNormed",
        "Final test accuracy and loss; above the line the seminar's nets, below it those that "
        "differ from the baseline in one thing; a dot is a seed.",
        columns=2,
        height=4.2,
        sharey=True,
    )
    colours = {name: COLOURS[shade] for name, shade in SHADES.items()}
    dots(axes[0, 0], {name: c.final for name, c in found.items()}, colours=colours)
    dots(axes[0, 1], {name: c.final_loss for name, c in found.items()}, colours=colours)
    for panel, title in zip(axes[0], ("test accuracy", "test loss"), strict=True):
        panel.axhline(len(SEMINAR) - 0.5, color=COLOURS["grey"], lw=0.8)
        title_panel(panel, title)
    return Picture("scores", drawn, "Final accuracy and loss of all eight nets.")
