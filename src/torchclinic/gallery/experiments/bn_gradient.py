"""BatchNorm's gradient by hand.

:number: 13
:question: Is the gradient of BatchNorm that is derived by hand the one that autograd computes?
:source: lecture 000, BatchNormalization, "The gradient"
:minutes: 0.1

The lecture leaves the backward pass as an exercise. The output depends on each input in three ways:
directly, through the mean of the batch and through its variance. Collected, they leave

    dL/dx = gamma / (m sqrt(var + eps)) * (m g - sum(g) - x_hat * sum(g * x_hat))

which is `torchclinic.nn.normalisation.batch_norm_backward`. It is compared with autograd in float64
for linear and convolutional shapes. The three terms are then drawn apart, and what the formula says
without words is checked: what goes back has no mean and no part along x_hat, so that no gradient
reaches the layers below that would only shift or stretch their output.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.style import COLOURS, figure, title_panel
from torchclinic.nn.normalisation import batch_norm_backward

LECTURE = "000, BatchNormalization, The gradient"
SHAPES = {"linear, 32 x 100": (32, 100), "convolution, 16 x 8 x 7 x 7": (16, 8, 7, 7)}
EXACT = 1e-10


def errors(shape: tuple[int, ...], seed: int) -> float:
    """Largest difference between the gradients by hand and by autograd, for one batch."""
    x, grad, gamma, beta = batch(shape, seed)
    out = nn.functional.batch_norm(x, None, None, gamma, beta, training=True)
    by_autograd = torch.autograd.grad(out, (x, gamma, beta), grad)
    by_hand = batch_norm_backward(grad, x.detach(), gamma.detach())
    pairs = zip(by_autograd, by_hand, strict=True)
    return max(float((a - b).abs().max()) for a, b in pairs)


def batch(shape: tuple[int, ...], seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A random input, a random gradient of the output, and random gamma and beta."""
    draw = partial(torch.randn, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x = (3 * draw(shape) + 5).requires_grad_()
    gamma, beta = draw(shape[1]).requires_grad_(), draw(shape[1]).requires_grad_()
    return x, draw(shape), gamma, beta


def run(settings: Settings) -> Outcome:
    """The errors, and what is left of a gradient that only shifts or stretches."""
    seeds = range(10 * len(settings.runs))
    found = {name: np.array([errors(s, seed) for seed in seeds]) for name, s in SHAPES.items()}
    shift, along = zip(*[_useless_parts(seed) for seed in seeds], strict=True)
    return Outcome(
        claims=_claims(found, np.asarray(shift), np.asarray(along)),
        numbers={f"largest error/{name}": float(values.max()) for name, values in found.items()},
        pictures=(_terms(),),
    )


def _useless_parts(seed: int) -> tuple[float, float]:
    """Mean of the gradient that goes back and its part along x_hat, over its size."""
    found, grad, gamma, _ = batch((64, 1), seed)
    x = found.detach()
    back, _, _ = batch_norm_backward(grad, x, gamma.detach())
    normal = (x - x.mean()) / x.std()
    size = back.abs().mean()
    return float((back.mean() / size).abs()), float(((back * normal).mean() / size).abs())


def _claims(
    found: dict[str, np.ndarray], shift: np.ndarray, along: np.ndarray
) -> tuple[Claim, ...]:
    exact = tuple(
        judge(
            "BatchNorm's gradient can be derived by hand.",
            source=LECTURE,
            measure=f"largest difference from autograd's over {len(values)} batches: {name}",
            values=float(values.max()),
            below=EXACT,
        )
        for name, values in found.items()
    )
    return (
        *exact,
        judge(
            "(From the formula:) the gradient that goes back has no mean.",
            source="Ioffe and Szegedy 2015, section 3, arXiv 1502.03167",
            measure="its mean over its mean size",
            values=float(shift.max()),
            below=EXACT,
        ),
        judge(
            "(From the formula:) it has no part along the normalised input, but for eps.",
            source="Ioffe and Szegedy 2015, section 3, arXiv 1502.03167",
            measure="mean of its product with x_hat over its mean size",
            values=float(along.max()),
            below=1e-5,
        ),
    )


def _terms() -> Picture:
    x, grad, _, _ = batch((64, 1), 0)
    grad = grad + 1.5 + 0.8 * (x.detach() - 5) / 3  # a gradient that also shifts and stretches
    values = x.detach()[:, 0]
    normal = (values - values.mean()) / values.std(correction=0)
    g = grad[:, 0]
    centred = g - g.mean()
    back = centred - normal * (g * normal).mean()
    drawn, axes = figure(
        "BatchNorm takes out of the gradient what would only shift or stretch the batch",
        "One feature of a batch of 64 rows: the gradient that arrives, without its mean, and "
        "without its part along the normalised input. The line is a least-squares fit.",
        columns=3,
        height=3.6,
        sharey=True,
    )
    steps = zip(("arrives", "without its mean", "goes back"), (g, centred, back), strict=True)
    for panel, (title, part), shade in zip(
        axes[0], steps, ("vermilion", "ochre", "blue"), strict=True
    ):
        slope, start = np.polyfit(normal.numpy(), part.numpy(), 1)
        panel.scatter(normal, part, s=16, color=COLOURS[shade], alpha=0.6, lw=0)
        panel.plot([-2.5, 2.5], [start - 2.5 * slope, start + 2.5 * slope], color=COLOURS[shade])
        panel.axhline(0, color=COLOURS["grey"], lw=0.8)
        title_panel(panel, title, x="normalised input", y="gradient" if title == "arrives" else "")
    return Picture("terms", drawn, "The three terms of BatchNorm's gradient.")
