"""BatchNorm does not see the scale of the weights before it.

:number: 13
:question: Is BN(aWu) = BN(Wu), is the weight gradient 1/a as large, and do weights stop growing?
:source: lecture 000, BatchNormalization, "BatchNorm as regularisation", "Advice"
:minutes: 0.2

Four statements of the lecture that can be checked to the last digit. The output of BatchNorm and
its gradient for the layer's input do not change when the weights are multiplied by a, the gradient
for the weights becomes 1/a as large, and a bias before BatchNorm does nothing. From the gradient
the lecture concludes that the net "does not let large weights grow"; that is measured on a training
which starts from weights multiplied by a.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.data import epochs, images, pixels
from torchclinic.gallery.style import COLOURS, band, figure, label_ends, shades, title_panel
from torchclinic.nn.nets import MLP

LECTURE = "000, BatchNorm as regularisation"
SCALES = (0.01, 0.1, 1.0, 10.0, 100.0)
STARTS = (0.03, 0.1, 0.3, 1.0)


def gradients(scale: float, seed: int, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """BN(aWu) of a fixed batch, and the gradients of a fixed function of it by u and by aW."""
    draw = partial(torch.randn, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    inputs, weight, probe = draw(64, 20), draw(30, 20), draw(64, 30)
    inputs.requires_grad_()
    scaled = (scale * weight).requires_grad_()
    norm = nn.BatchNorm1d(30, eps=eps, dtype=torch.float64)
    out = norm(inputs @ scaled.T)
    by_input, by_weight = torch.autograd.grad((out * probe).sum(), (inputs, scaled))
    return out.detach(), by_input, by_weight


def weight_norms(settings: Settings, start: float, seed: int, norm: str | None) -> np.ndarray:
    """Norm of the first layer's weights at each update of a training from `start` times He."""
    kept: list[MLP] = []
    begun: list[float] = []

    def model() -> MLP:
        net = MLP(pixels(settings), 2, 100, norm=norm, init="he", bias=norm is None)
        weight = net.layers[0].get_parameter("weight")
        weight.data.mul_(start)
        begun.append(float(weight.detach().norm()))
        kept.append(net)
        return net

    recipe = tc.Recipe(
        model=model,
        data=images(settings),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=0.1),
        batch_size=32,
        epochs=epochs(settings, mnist=1, digits=20),
    )
    norms: list[float] = []

    def note(step: int, loss: Tensor) -> None:
        del step, loss
        norms.append(float(kept[-1].layers[0].get_parameter("weight").detach().norm()))

    tc.train(recipe, seed, on_step=note)
    return np.asarray([*begun, *norms])


def run(settings: Settings) -> Outcome:
    """The identities in float64, and the growth of the weights in trainings."""
    exact = {a: _ratios(a, settings, eps=1e-30) for a in SCALES}
    usual = {a: _ratios(a, settings, eps=1e-5) for a in SCALES}
    grown = {}
    for place, start in enumerate(STARTS):
        settings.tell(place / len(STARTS), f"weights from {start:g} times He")
        rows = [weight_norms(settings, start, seed, "batch") for seed in settings.runs]
        grown[start] = np.stack(rows)
    return Outcome(
        claims=_claims(exact, usual, grown, settings),
        numbers={
            **{f"weight gradient/a={a:g}": float(np.mean(r["weight"])) for a, r in exact.items()},
            **{f"output change with eps/a={a:g}": float(max(r["out"])) for a, r in usual.items()},
            **{f"growth/{s:g} x He": float((n[:, -1] / n[:, 0]).mean()) for s, n in grown.items()},
        },
        pictures=(_growth(grown), _identity(exact)),
    )


def _ratios(scale: float, settings: Settings, eps: float) -> dict[str, list[float]]:
    """What changes when the weights are multiplied by `scale`, one value a seed."""
    found: dict[str, list[float]] = {"out": [], "input": [], "weight": []}
    for seed in settings.runs:
        out, by_input, by_weight = gradients(1.0, seed, eps)
        out_a, by_input_a, by_weight_a = gradients(scale, seed, eps)
        found["out"].append(float((out_a - out).abs().max()))
        found["input"].append(float((by_input_a - by_input).abs().max()))
        found["weight"].append(float(by_weight_a.norm() / by_weight.norm()))
    return found


def _claims(
    exact: dict[float, dict[str, list[float]]],
    usual: dict[float, dict[str, list[float]]],
    grown: dict[float, np.ndarray],
    settings: Settings,
) -> tuple[Claim, ...]:
    growth = {start: norms[:, -1] / norms[:, 0] for start, norms in grown.items()}
    product = [a * r for a in SCALES for r in exact[a]["weight"]]
    return (
        judge(
            "BN((aW)u) = BN(Wu).",
            source=LECTURE,
            measure="largest change of the output over a from 0.01 to 100, eps near 0",
            values=max(max(exact[a]["out"]) for a in SCALES),
            below=1e-10,
            reason=f"With eps = 1e-5 and a = 0.01 it changes by up to {max(usual[0.01]['out']):.1g}"
            ": eps counts when the weights are small.",
        ),
        judge(
            "The gradient for the layer's input does not change.",
            source=LECTURE,
            measure="largest change of it over a from 0.01 to 100, eps near 0",
            values=max(max(exact[a]["input"]) for a in SCALES),
            below=1e-9,
        ),
        judge(
            "The gradient for the weights becomes 1/a as large.",
            source=LECTURE,
            measure="largest |a * ratio of the gradients' norms - 1|",
            values=float(np.abs(np.asarray(product) - 1).max()),
            below=1e-10,
        ),
        judge(
            "So the net automatically does not let large weights grow: they grow less.",
            source=LECTURE,
            measure="growth of the first layer's norm from 0.03 x He over that from 1 x He",
            values=growth[0.03] / growth[1.0],
            above=1.0,
            reason="The gradient stands at a right angle to the weights, so that SGD can only "
            "lengthen them, and the less, the longer they are.",
        ),
        judge(
            "So the net automatically does not let large weights grow: they do not grow at all.",
            source=LECTURE,
            measure="growth of the first layer's norm in the training from 1 x He",
            values=growth[1.0],
            below=1.0,
            if_refuted="Nothing in BatchNorm pulls weights back: only weight decay does.",
        ),
        judge(
            "A layer before BatchNorm needs no bias: beta takes its place.",
            source="000, Advice on using BatchNormalization",
            measure="largest gradient of a bias before BatchNorm over that of beta",
            values=[_bias_gradient(seed) for seed in settings.runs],
            below=1e-10,
        ),
    )


def _bias_gradient(seed: int) -> float:
    generator = torch.Generator().manual_seed(seed)
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    layer, norm = nn.Linear(20, 30).double(), nn.BatchNorm1d(30).double()
    out = norm(nn.functional.linear(draw(64, 20), draw(30, 20), layer.bias))
    (out * draw(64, 30)).sum().backward()
    assert layer.bias.grad is not None
    assert norm.bias.grad is not None
    return float(layer.bias.grad.abs().max() / norm.bias.grad.abs().max())


def _growth(grown: dict[float, np.ndarray]) -> Picture:
    first, last = grown[STARTS[0]], grown[STARTS[-1]]
    drawn, axes = figure(
        f"Small weights grow {(first[:, -1] / first[:, 0]).mean():.1f} times, large ones "
        f"{(last[:, -1] / last[:, 0]).mean():.3f} times, and none shrink",
        "Norm of the first layer's weights before BatchNorm, over its start; SGD at 0.1; "
        "band: lowest to highest seed.",
    )
    panel = axes[0, 0]
    for (start, norms), shade in zip(grown.items(), shades(len(grown)), strict=True):
        x = np.arange(norms.shape[1])
        band(panel, x, norms / norms[:, :1], label=f"{start:g} x He", color=shade)
    panel.set_yscale("log")
    panel.yaxis.set_major_formatter("{x:g}")
    panel.yaxis.set_minor_formatter("{x:g}")
    title_panel(panel, "", x="update", y="norm over its start")
    label_ends(panel)
    return Picture("growth", drawn, "Growth of weights before BatchNorm by their start.")


def _identity(exact: dict[float, dict[str, list[float]]]) -> Picture:
    drawn, axes = figure(
        "The gradient of weights a times as large is 1/a as large",
        "Norm of the gradient by aW over that by W, in float64 (dots), and 1/a (line).",
        width=8.0,
        height=3.6,
    )
    panel = axes[0, 0]
    panel.plot(SCALES, [1 / a for a in SCALES], color=COLOURS["grey"], lw=1.5)
    points = [float(np.mean(exact[a]["weight"])) for a in SCALES]
    panel.plot(SCALES, points, "o", color=COLOURS["blue"], ms=8)
    panel.set(xscale="log", yscale="log")
    title_panel(panel, "", x="a", y="gradient over that at a = 1")
    return Picture("gradient", drawn, "The weight gradient against the scale of the weights.")
