"""What each norm normalises together, and what a small batch does to it.

:number: 14
:question: Which values share a mean under each norm, and which norms need a large batch?
:source: 000, sections "Other Normalization" and "Weight Normalization"; 004, part 3
:minutes: 73

What shares its statistics is not drawn from the definitions but measured: the cells of an input of
(images, channels, height, width) that move one output. Then the seminar's conv net is trained with
each norm and batches from 2 to 128, and its own `LayerNormalization`, whose mean is taken over the
whole batch, is laid beside `nn.LayerNorm`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import train_arms
from torchclinic.gallery.data import images
from torchclinic.gallery.style import COLOURS, SOFT, band, figure, label_ends, title_panel
from torchclinic.training import seeded

PLACE, GROUP, WEIGHT, SEMINAR = (
    "000, Other Normalization", "000, Group Norm", "000, Weight Normalization",
    "004, part 3, Layer Normalization",
)  # fmt: skip
CHANNELS, SHAPE = 8, (4, 8, 3, 3)
GROUPS, SMALL, LARGE = 4, 2, 32
RATES = {"digits": 0.1, "mnist": 0.02}  # at LARGE; five times as much on MNIST fails at 128


class BatchWideNorm(nn.Module):
    """004's `LayerNormalization`, literally: one mean and one deviation of the whole batch.

    **Shape**: (N, channels, height, width), unchanged.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(channels, 1, 1))
        self.beta = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Standardised over everything, then alpha and beta by channel."""
        return self.alpha * (x - x.mean()) / (x.std() + 1e-8) + self.beta


NORMS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "layer": partial(nn.GroupNorm, 1),
    "instance": partial(nn.InstanceNorm2d, affine=True),
    "group": partial(nn.GroupNorm, GROUPS),
    "004's layer": BatchWideNorm,
}


def run(settings: Settings) -> Outcome:
    """Measure what is shared, compare the norms with one another, train."""
    shared = {name: influence(build(CHANNELS)) for name, build in NORMS.items()}
    sizes = settings.pick((SMALL, 4, 8, LARGE, 128), (SMALL, LARGE))
    kept = (
        (*NORMS, "weight", "none") if not settings.fast else ("batch", "layer", "group", "weight")
    )
    cells = [(name, size) for name in kept for size in sizes]
    cells += [(name, LARGE) for name in (*NORMS, "weight") if (name, LARGE) not in cells]
    arms = {f"{name}, batch {size}": recipe(settings, name, size) for name, size in cells}
    found = train_arms(arms, settings, end=0.95)
    accuracy = {(name, size): found[f"{name}, batch {size}"].final for name, size in cells}
    numbers = {f"accuracy, {n}, batch {s}": float(np.mean(v)) for (n, s), v in accuracy.items()}
    numbers |= {f"values normalised together, {n}": int(m.sum()) for n, m in shared.items()}
    return Outcome(
        claims=(
            *identities(settings),
            *small_batches(accuracy),
            *seminar(shared, settings),
            start_of_weight_norm(settings, right=False),
            start_of_weight_norm(settings, right=True),
        ),
        numbers=numbers,
        pictures=(shared_picture(shared), batch_picture(accuracy, sizes, settings)),
        series={f"accuracy/{name}": arm.series() for name, arm in found.items()},
    )


def influence(norm: nn.Module) -> np.ndarray:
    """Which cells of the input move one cell of the output, (images, channels, height, width)."""
    x = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    (gradient,) = torch.autograd.grad(norm.double()(x)[1, 2, 1, 1], x)
    return (gradient.abs() > 1e-9).numpy()


def conv_net(norm: str) -> nn.Module:
    """Two convolutions of 8 channels, each with norm, ReLU and pooling, then ten scores."""
    layers: list[nn.Module] = []
    for channels in (1, CHANNELS):
        conv = nn.Conv2d(channels, CHANNELS, 3, padding=1)
        if norm == "weight":
            conv = nn.utils.parametrizations.weight_norm(conv)
        layers += [
            conv,
            *([NORMS[norm](CHANNELS)] if norm in NORMS else []),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(10))


def built(norm: str, side: int) -> nn.Module:
    """The net, with its last layer as wide as the images need."""
    net = conv_net(norm).eval()
    with torch.no_grad():
        net(torch.zeros(2, 1, side, side))
    return net.train()


def recipe(settings: Settings, norm: str, size: int) -> tc.Recipe:
    """SGD with momentum; the learning rate grows with the batch, as in the linear scaling rule."""
    data = images(settings, flat=False)
    return tc.Recipe(
        model=partial(built, norm, data.train[0].shape[-1]), data=data,
        loss=nn.CrossEntropyLoss(), batch_size=size, metric="accuracy",
        optimizer=partial(SGD, lr=RATES[settings.data] * size / LARGE, momentum=0.9),
        epochs=settings.pick(8, 2) if settings.data == "digits" else settings.pick(2, 1),
    )  # fmt: skip


def identities(settings: Settings) -> list[Claim]:
    """Group norm at both of its ends."""
    x = torch.randn(8, CHANNELS, 5, 5, generator=torch.Generator().manual_seed(0)).double()
    one, all_of_them = nn.GroupNorm(1, CHANNELS).double(), nn.GroupNorm(CHANNELS, CHANNELS).double()
    layer = nn.LayerNorm([CHANNELS, 5, 5]).double()
    instance = nn.InstanceNorm2d(CHANNELS).double()
    del settings
    return [
        judge(
            "With G = 1 GroupNorm is identical to LayerNorm.",
            source=GROUP,
            measure="largest difference on random feature maps, float64",
            values=float((one(x) - layer(x)).detach().abs().max()),
            below=1e-12,
            reason="So at the start; LayerNorm's gamma and beta are one a pixel, GroupNorm's one a "
            "channel.",
        ),
        judge(
            "With G = C GroupNorm is identical to InstanceNorm.",
            source=GROUP,
            measure="largest difference on random feature maps, float64",
            values=float((all_of_them(x) - instance(x)).detach().abs().max()),
            below=1e-12,
        ),
    ]


def small_batches(
    accuracy: dict[tuple[str, int], tuple[float, ...]],
) -> list[Claim]:
    """Accuracy against the size of the batch."""
    small, large = SMALL, LARGE

    def lost(name: str) -> np.ndarray:
        return np.subtract(accuracy[name, large], accuracy[name, small])

    middle = {name: np.array(accuracy[name, large]) for name in NORMS}
    return [
        judge(
            "The smaller the batch, the worse BatchNorm works.",
            source="000, Advice on BatchNormalization",
            measure=f"test accuracy with batches of {large} less that with batches of {small}",
            values=lost("batch"),
            above=0.0,
        ),
        judge(
            "When the batch size changes, the quality of LayerNorm does not.",
            source=GROUP,
            measure=f"test accuracy, layer, batches of {large} less batches of {small}",
            values=lost("layer"),
            above=-0.02,
            below=0.02,
            reason="The text is about GroupNorm here; LayerNorm must be a slip of the pen, and it "
            "is true of both.",
        ),
        judge(
            "When the batch size changes, the quality of GroupNorm does not.",
            source=GROUP,
            measure=f"test accuracy, group, batches of {large} less batches of {small}",
            values=lost("group"),
            above=-0.02,
            below=0.02,
        ),
        judge(
            "Weight normalisation works equally well for any batch size.",
            source=WEIGHT,
            measure=f"test accuracy, weight, batches of {large} less batches of {small}",
            values=lost("weight"),
            above=-0.02,
            below=0.02,
        ),
        judge(
            "LayerNorm and InstanceNorm are inferior to BatchNorm in quality.",
            source=GROUP,
            measure=f"test accuracy with batches of {large}: BatchNorm less the better of the two",
            values=middle["batch"] - np.maximum(middle["layer"], middle["instance"]),
            above=0.0,
            if_refuted="on a net and data of this size there is nothing to lose.",
        ),
        judge(
            "Replacing BatchNorm by GroupNorm costs less than replacing it by LayerNorm.",
            source=GROUP,
            measure=f"test accuracy with batches of {large}: group less layer",
            values=middle["group"] - middle["layer"],
            above=0.0,
        ),
        judge(
            "Batch and Layer show no visible difference, but Batch is a little better.",
            source="004, 3.3",
            measure=f"test accuracy with batches of {large}: batch less 004's own layer norm",
            values=np.subtract(accuracy["batch", large], accuracy["004's layer", large]),
            above=0.0,
        ),
    ]


def seminar(shared: dict[str, np.ndarray], settings: Settings) -> list[Claim]:
    """004's LayerNormalization against what it says of itself."""
    sentence = "In layer normalization mean and variance are computed for each object by itself."
    measure = "other images of the batch whose values move an output of one image"

    def others(name: str) -> float:
        moved = shared[name].any(axis=(1, 2, 3))
        return float(moved.sum() - 1)

    return [
        judge(
            sentence,
            source=SEMINAR,
            measure=f"004's code: {measure}",
            values=others("004's layer"),
            below=0.5,
            if_refuted="x.mean() and x.std() without a dimension go over the whole batch. Right is "
            "x.mean(-1, keepdim=True), as nn.LayerNorm has it; and as written the layer takes the "
            "statistics of the batch in evaluation, too, so that a prediction depends on its "
            "neighbours.",
        ),
        judge(
            sentence,
            source=SEMINAR,
            measure=f"nn.LayerNorm: {measure}",
            values=others("layer"),
            below=0.5,
        ),
        judge(
            "BatchNorm makes the elements of a batch dependent; its analogue layer norm does not.",
            source=SEMINAR,
            measure="004's code: share of test images whose class changes when they come alone "
            "instead of by 128, fresh nets",
            values=[changed(settings, seed) for seed in settings.runs],
            below=1e-3,
            if_refuted="the same slip, seen from the predictions.",
        ),
    ]


def changed(settings: Settings, seed: int) -> float:
    """Share of test images that get another class alone than among 127 others."""
    x = images(settings, flat=False).test[0][:128]
    with seeded(seed), torch.no_grad():
        net = built("004's layer", x.shape[-1]).eval()
        together = net(x).argmax(1)
        alone = torch.cat([net(one[None]) for one in x]).argmax(1)
    return float((together != alone).double().mean())


def start_of_weight_norm(settings: Settings, *, right: bool) -> Claim:
    """Data-dependent start: t = v x / |v| (Salimans and Kingma), or / |x| as the lecture writes."""
    deviations = []
    for seed in settings.runs:
        generator = torch.Generator().manual_seed(seed)
        x = images(settings).train[0][:256].double()
        v = torch.randn(x.shape[1], 100, generator=generator, dtype=torch.float64)
        t = x @ v / (v.norm(dim=0) if right else x.norm(dim=1, keepdim=True))
        g, b = 1 / t.std(dim=0), -t.mean(dim=0) / t.std(dim=0)
        y = x @ (g * v / v.norm(dim=0)) + b
        deviations.append(float(y.std(dim=0).mean()))
    form = "|v|" if right else "|x|"
    return judge(
        f"t = v x / {form}, g <- 1 / sigma[t], b <- -mu[t] / sigma[t] make mean 0 and deviation 1.",
        source=WEIGHT if not right else "Salimans and Kingma 2016, arXiv 1602.07868",
        measure="mean standard deviation of the pre-activations with these g and b",
        values=deviations,
        above=0.99,
        below=1.01,
        if_refuted="the layer computes g v x / |v| + b, so that t is to be divided by |v|, not by "
        "the length of the input.",
    )


def shared_picture(shared: dict[str, np.ndarray]) -> Picture:
    """Which cells share statistics with one of them."""
    counts = ", ".join(f"{name} {int(mask.sum())}" for name, mask in shared.items())
    drawn, panels = figure(
        f"Values normalised together, of {int(np.prod(SHAPE))}: {counts}",
        "Measured by gradients: which inputs (blue) move one output (orange). Columns are images, "
        "rows channels, each with 3 x 3 pixels",
        columns=len(shared), width=12, height=5.0,
    )  # fmt: skip
    for axes, (name, mask) in zip(panels.flat, shared.items(), strict=True):
        rows, columns = SHAPE[1], SHAPE[0]
        for image in range(columns):
            for channel in range(rows):
                for place in range(9):
                    height, across = divmod(place, 3)
                    on = mask[image, channel, height, across]
                    shade = COLOURS["blue"] if on else "#e9e6dd"
                    if (image, channel, height, across) == (1, 2, 1, 1):
                        shade = COLOURS["vermilion"]
                    x, y = image * 3.6 + across, channel * 3.6 + height
                    axes.add_patch(_square(x, y, shade))
        axes.set(xlim=(-0.5, columns * 3.6), ylim=(rows * 3.6, -0.5), aspect="equal")
        axes.set_xticks(
            [i * 3.6 + 1.45 for i in range(columns)], [str(i + 1) for i in range(columns)]
        )
        axes.set_yticks([c * 3.6 + 1.45 for c in range(rows)], [str(c + 1) for c in range(rows)])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        title_panel(axes, name, x="image")
    panels[0, 0].set_ylabel("channel", color=SOFT)
    return Picture("shared", drawn, "004's own layer norm mixes the whole batch.")


def _square(x: float, y: float, shade: str):  # noqa: ANN202 - matplotlib's
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), 0.92, 0.92, facecolor=shade, linewidth=0)


def batch_picture(
    accuracy: dict[tuple[str, int], tuple[float, ...]], sizes: tuple[int, ...], settings: Settings
) -> Picture:
    """Accuracy by batch size."""
    lost = {
        name: float(np.mean(accuracy[name, LARGE]) - np.mean(accuracy[name, SMALL]))
        for name in ("batch", "group")
    }
    drawn, ((axes,),) = figure(
        f"From batches of {LARGE} to {SMALL} BatchNorm changes by {-lost['batch']:+.1%}, "
        f"GroupNorm by {-lost['group']:+.1%}",
        f"Conv net on {settings.data}, as many epochs for all, learning rate proportional to the "
        f"batch, mean and range of {len(settings.runs)} seeds",
    )
    for name in dict.fromkeys(name for name, _ in accuracy):
        here = [size for size in sizes if (name, size) in accuracy]
        rows = np.array([accuracy[name, size] for size in here]).T
        band(axes, here, rows, label=name, marker="o", ms=4)
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    title_panel(axes, "", x="images in a batch", y="test accuracy")
    label_ends(axes)
    return Picture("batch-size", drawn, "A level line does not care for the batch.")
