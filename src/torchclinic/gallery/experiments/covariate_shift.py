"""Covariate shift: what it does to a model, and how to notice it.

:number: 12
:question: What becomes of a model whose test inputs are distributed otherwise, and can it be seen
    without labels?
:source: lecture 000, "Covariate shift"
:minutes: 0.4

Covariate shift is when the features of training and test are distributed differently; "the model
then is not able to make adequate predictions on the test, since it has not seen the part of the
space in which the test objects lie". The lecture's picture is a curve of which one end is trained
on: here y = sin(2x) with noise, learnt from -2 to 0 and asked from -2 to 2.

That there is a shift can be seen from the inputs alone. `tc.data.covariate_shift` compares single
features (Kolmogorov-Smirnov, corrected for their number) and lets a classifier tell the two data
sets apart. It is tried on test images that are more and more washed out, while the accuracy of a
trained net is measured beside it, and on test images that are not shifted at all.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam

import torchclinic as tc
from torchclinic.data import ShiftReport
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import train_arms
from torchclinic.gallery.data import epochs, images, pixels
from torchclinic.gallery.style import COLOURS, INK, band, figure, label_ends, title_panel
from torchclinic.nn.nets import MLP

LECTURE = "000, Covariate shift"
GRID = torch.linspace(-2, 2, 201).unsqueeze(1)
WASHED = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8)
ROWS = 300  # of each data set that the detector looks at


def curve_errors(seed: int) -> tuple[float, float, Tensor]:
    """Squared error where the curve was learnt and where not, and the fit on the grid."""
    generator = torch.Generator().manual_seed(seed)
    x = -2 * torch.rand(200, 1, generator=generator)
    y = (2 * x).sin() + 0.1 * torch.randn(200, 1, generator=generator)
    recipe = tc.Recipe(
        model=partial(MLP, 1, 2, 50, 1, activation="tanh"),
        data=(x, y),
        loss=nn.MSELoss(),
        optimizer=partial(Adam, lr=0.01),
        epochs=60,
    )
    model = tc.train(recipe, seed, keep_model=True).model
    with torch.no_grad():
        fit = model(GRID)
    error = (fit - (2 * GRID).sin()).square()
    seen = GRID <= 0
    return float(error[seen].mean()), float(error[~seen].mean()), fit[:, 0]


def washed_out(inputs: Tensor, strength: float, seed: int) -> Tensor:
    """Images with less contrast and some noise: both in proportion to the strength."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(inputs.shape, generator=generator) * inputs.std()
    return (1 - strength) * inputs + strength * (inputs.max() / 2 + 0.5 * noise)


def run(settings: Settings) -> Outcome:
    """The curve, then the images."""
    nets = train_arms({"net": net(settings)}, settings, what="a net", end=0.3, keep_models=True)
    curves, accuracy, reports = [], [], []
    for place, (seed, model) in enumerate(zip(settings.runs, nets["net"].models, strict=True)):
        settings.tell(0.3 + 0.7 * place / len(settings.runs), "a curve and washed-out images")
        curves.append(curve_errors(seed))
        accuracy.append(_accuracies(settings, model, seed))
        reports.append(_reports(settings, seed))
    table = np.array(accuracy)
    auc = np.array([[report.auc for report in row] for row in reports])
    shares = [[len(r.shifted_features) / len(r.features) for r in row] for row in reports]
    share = np.array(shares)
    return Outcome(
        claims=_claims(curves, table, reports),
        numbers={
            "curve error/where it was learnt": float(np.mean([c[0] for c in curves])),
            "curve error/elsewhere": float(np.mean([c[1] for c in curves])),
            **{
                f"accuracy/washed out {w:g}": float(table[:, i].mean())
                for i, w in enumerate(WASHED)
            },
            **{f"AUC/washed out {w:g}": float(auc[:, i].mean()) for i, w in enumerate(WASHED)},
        },
        pictures=(_curve(curves), _images(settings, table, auc, share)),
    )


def net(settings: Settings) -> tc.Recipe:
    """A net that learns the images as they are."""
    return tc.Recipe(
        model=partial(MLP, pixels(settings), 2, init="he"),
        data=images(settings),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(Adam, lr=1e-3),
        batch_size=32,
        epochs=epochs(settings, mnist=2, digits=40),
    )


def _accuracies(settings: Settings, model: nn.Module, seed: int) -> list[float]:
    """Accuracy of a trained net on test images, more and more washed out."""
    inputs, labels = images(settings).test
    found = []
    for strength in WASHED:
        with torch.no_grad():
            said = model(washed_out(inputs, strength, seed)).argmax(1)
        found.append(float((said == labels).float().mean()))
    return found


def _reports(settings: Settings, seed: int) -> list[ShiftReport]:
    """What the detector says of training images against washed-out test images."""
    (train, _), (test, _) = images(settings).train, images(settings).test
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    known = train[order[: 2 * ROWS]]
    return [
        tc.data.covariate_shift(known, washed_out(test, w, seed), rows=ROWS, seed=seed, folds=3)
        for w in WASHED
    ]


def _claims(
    curves: list, accuracy: np.ndarray, reports: list[list[ShiftReport]]
) -> tuple[Claim, ...]:
    weak = WASHED.index(0.2)
    return (
        judge(
            "The model cannot predict where it has not seen the space.",
            source=LECTURE,
            measure="squared error of the curve: elsewhere over where it was learnt, log10",
            values=[float(np.log10(far / near)) for near, far, _ in curves],
            above=1.0,
            unit="decades",
        ),
        judge(
            "On shifted images the model makes no adequate predictions.",
            source=LECTURE,
            measure="test accuracy: unshifted minus washed out by 0.8",
            values=accuracy[:, 0] - accuracy[:, -1],
            above=0.2,
        ),
        judge(
            "(Not in the lecture:) the shift can be seen from the inputs alone.",
            source="Rabanser et al. 2019, arXiv 1810.11953",
            measure="AUC of telling training from test images washed out by 0.2",
            values=[row[weak].auc for row in reports],
            above=0.8,
        ),
        judge(
            "(Not in the lecture:) and where there is none, none is found.",
            source="Rabanser et al. 2019, arXiv 1810.11953",
            measure="AUC of telling training from untouched test images",
            values=[row[0].auc for row in reports],
            below=0.65,
        ),
    )


def _curve(curves: list) -> Picture:
    ratio = np.mean([far for _, far, _ in curves]) / np.mean([near for near, _, _ in curves])
    drawn, axes = figure(
        f"Where it has seen no point the net errs {ratio:,.0f} times as much",
        "y = sin(2x), learnt between -2 and 0 (grey); band: lowest to highest seed.",
        height=3.6,
    )
    panel = axes[0, 0]
    panel.axvspan(-2, 0, color=COLOURS["grey"], alpha=0.12, lw=0)
    panel.set_ylim(-3, 3)
    x = GRID[:, 0].numpy()
    panel.plot(x, np.sin(2 * x), color=INK, ls="--", lw=1.2, label="truth")
    fits = np.stack([fit.numpy() for *_, fit in curves])
    band(panel, x, fits, label="net", color=COLOURS["vermilion"])
    title_panel(panel, "", x="x", y="y")
    label_ends(panel)
    return Picture("curve", drawn, "A curve learnt on one side and asked on both.")


def _images(
    settings: Settings, accuracy: np.ndarray, auc: np.ndarray, share: np.ndarray
) -> Picture:
    seen = WASHED.index(0.2)
    drop = accuracy[:, 0].mean() - accuracy[:, seen].mean()
    drawn, axes = figure(
        f"The detector sees the shift (AUC {auc[:, seen].mean():.2f}) while the accuracy has "
        f"fallen by {100 * drop:.1f} points only",
        "Test images more and more washed out: accuracy of a trained net, AUC of a classifier that "
        "tells them from training images, share of pixels that differ beyond chance.",
        columns=2,
        width_ratios=(2, 1),
    )
    panel, page = axes[0]
    panel.set_ylim(0, 1.03)
    for rows, name, shade in (
        (accuracy, "accuracy", "vermilion"),
        (auc, "AUC of the detector", "blue"),
        (share, "pixels that differ", "green"),
    ):
        band(panel, WASHED, rows, label=name, color=COLOURS[shade], marker="o", ms=5)
    title_panel(panel, "", x="how washed out", y="share")
    label_ends(panel)
    inputs, _ = images(settings).test
    side = round(pixels(settings) ** 0.5)
    rows = [washed_out(inputs, w, 0)[:3].reshape(3, side, side) for w in WASHED]
    framed = [torch.nn.functional.pad(torch.cat(list(row), 1), (0, 0, 0, 1)) for row in rows]
    page.imshow(torch.cat(framed).numpy(), cmap="Greys", aspect="auto",
                vmin=float(inputs.min()), vmax=float(inputs.max()))  # fmt: skip
    page.set_yticks(
        [(side + 1) * (i + 0.5) for i in range(len(WASHED))], [f"{w:g}" for w in WASHED]
    )
    page.set(xticks=[])
    page.grid(visible=False)
    return Picture("images", drawn, "Accuracy and detection of a growing shift of images.")
