"""Which initialisation keeps the variance from layer to layer.

:number: 3
:question: How do activations and gradients change with depth under each initialisation?
:source: 000, sections "Xavier" and "He"; 004, part 1
:minutes: 0.1

The seminar's two nets, 784-500x10-10 and 784-64-32-16x30-10, get a batch of 100 images under N(0,
0.1), N(0, 1), Xavier, He by fan_in and by fan_out, and orthogonal weights, with tanh, ReLU and
sigmoid. Theory is the mean-field recursion q' = n Var(W) E[f(z)^2], z from N(0, q), and backwards
g' = n Var(W) E[f'(z)^2] g. Two slips are tried, too: 000 writes Xavier's uniform bound as
sqrt(6) / (n_i + n_{i+1}), 004 as sqrt(6 / (n_i + n_{i+1})); and 000 writes He's second form with
n_i + 1 where n_{i+1} is meant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from torchclinic.functional import ACTIVATIONS
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.data import images, pixels
from torchclinic.gallery.style import DIVERGING, band, colour, figure, heat, label_ends, title_panel
from torchclinic.init import activation_moments

SEMINAR, XAVIER, HE = "004, part 1", "000, Xavier", "000, He"
NLL = (
    "004 gives the raw outputs to NLLLoss, which wants log-probabilities; the gradient that starts "
    "backwards is then the same for every net, which suits the experiment."
)
ROWS, NARROW = 100, 100
FUNCTIONS = ("tanh", "relu", "sigmoid")
# Standard deviation of the weights by fan_in and fan_out; the seminar's own functions.
DEVIATIONS: dict[str, Callable[[int, int], float]] = {
    "N(0, 0.1)": lambda fan_in, fan_out: 0.1,  # noqa: ARG005 - one signature for all
    "N(0, 1)": lambda fan_in, fan_out: 1.0,  # noqa: ARG005
    "Xavier": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    "Xavier uniform": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    "Xavier uniform, 000's bound": lambda fan_in, fan_out: math.sqrt(2) / (fan_in + fan_out),
    "He, fan_in": lambda fan_in, fan_out: math.sqrt(2 / fan_in),  # noqa: ARG005
    "He, fan_out": lambda fan_in, fan_out: math.sqrt(2 / fan_out),  # noqa: ARG005
    "orthogonal": lambda fan_in, fan_out: 1 / math.sqrt(max(fan_in, fan_out)),
}


@dataclass(frozen=True)
class Profile:
    """Standard deviation by layer, one row a seed: of activations and of their gradients."""

    forward: np.ndarray
    backward: np.ndarray
    theory: tuple[np.ndarray, np.ndarray]

    def ratios(self, direction: str) -> list[float]:
        """Last over first hidden activation, or first over last gradient, by seed."""
        rows = getattr(self, direction)
        ends = (rows[:, -1], rows[:, 0]) if direction == "forward" else (rows[:, 0], rows[:, -1])
        return [float(a / b) if b > 0 else math.nan for a, b in zip(*ends, strict=True)]


def run(settings: Settings) -> Outcome:
    """Push one batch through every net under every initialisation, and its gradient back."""
    width = settings.pick(500, 250)
    nets = {
        f"10 layers of {width}": [pixels(settings), *[width] * 10, 10],
        "64, 32, 30 layers of 16": [pixels(settings), 64, 32, *[16] * 30, 10],
    }
    x, labels = batch(settings)
    found: dict[tuple[str, str, str], Profile] = {}
    cells = [(net, f, scheme) for net in nets for f in FUNCTIONS for scheme in DEVIATIONS]
    for place, (net, function, scheme) in enumerate(cells):
        settings.tell(place / len(cells), f"{net}, {function}, {scheme}")
        found[net, function, scheme] = profile(nets[net], function, scheme, x, labels, settings)
    wide, deep = nets
    drawn_once.cache_clear()
    numbers = {
        f"{direction} decades, {net}, {function}, {scheme}": decades(result, direction)
        for (net, function, scheme), result in found.items()
        for direction in ("forward", "backward")
    }
    return Outcome(
        claims=(*equal_variances(found, wide, deep), *conclusions(found, wide), *slips(settings)),
        numbers=numbers,
        pictures=(
            by_layer(found, wide, settings, "wide"),
            by_layer(found, deep, settings, "deep"),
            overview(found, settings),
        ),
        notes=(NLL,),
    )


def batch(settings: Settings) -> tuple[Tensor, Tensor]:
    """The first 100 images, of mean 0 and standard deviation 1, and their labels."""
    x, labels = images(settings).train
    return ((x - x.mean()) / x.std())[:ROWS], labels[:ROWS]


def profile(
    sizes: list[int], function: str, scheme: str, x: Tensor, labels: Tensor, settings: Settings
) -> Profile:
    """Measured over the seeds, several nets a seed where they are narrow, and predicted."""
    nets = len(settings.runs) * (settings.pick(10, 4) if min(sizes[1:-1]) < NARROW else 1)
    rows = [measured(sizes, function, scheme, x, labels, seed) for seed in range(nets)]
    return Profile(
        forward=np.array([forward for forward, _ in rows]),
        backward=np.array([backward for _, backward in rows]),
        theory=predicted(sizes, function, DEVIATIONS[scheme], float(x.square().mean())),
    )


def measured(
    sizes: list[int], function: str, scheme: str, x: Tensor, labels: Tensor, seed: int
) -> tuple[list[float], list[float]]:
    """Standard deviation of each hidden activation and of its gradient."""
    h, hidden = x, []
    for place, weight in enumerate(weights(scheme, tuple(sizes), seed)):
        z = h @ weight
        h = z if place == len(sizes) - 2 else ACTIVATIONS[function].function(z)
        if place < len(sizes) - 2:
            h = h.requires_grad_()
            hidden.append(h)
    gradients = torch.autograd.grad(nn.functional.nll_loss(h, labels), hidden)
    return [spread(layer) for layer in hidden], [spread(gradient) for gradient in gradients]


def weights(scheme: str, sizes: tuple[int, ...], seed: int) -> Iterator[Tensor]:
    """Weights of shape (fan_in, fan_out), layer by layer."""
    kind = "uniform" if "uniform" in scheme else scheme if scheme == "orthogonal" else "normal"
    for weight in drawn_once(kind, sizes, seed):
        yield weight if kind == "orthogonal" else weight * DEVIATIONS[scheme](*weight.shape)


@lru_cache(maxsize=256)
def drawn_once(kind: str, sizes: tuple[int, ...], seed: int) -> list[Tensor]:
    """Weights of variance 1, or orthogonal ones: the same draws serve all schemes."""
    generator = torch.Generator().manual_seed(seed)
    empty = [torch.empty(pair) for pair in pairwise(sizes)]
    if kind == "orthogonal":
        return [nn.init.orthogonal_(weight, generator=generator) for weight in empty]
    if kind == "uniform":
        bound = math.sqrt(3)
        return [weight.uniform_(-bound, bound, generator=generator) for weight in empty]
    return [weight.normal_(generator=generator) for weight in empty]


def spread(values: Tensor) -> float:
    """Standard deviation, also of what single precision could not square."""
    return float(values.detach().double().std())


def predicted(
    sizes: list[int], function: str, deviation: Callable[[int, int], float], second_moment: float
) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations of hidden activations and of their gradients for infinite width."""
    pairs = list(pairwise(sizes))
    deviations, slopes, moment = [], [], second_moment
    for fan_in, fan_out in pairs[:-1]:
        size = fan_in * moment * deviation(fan_in, fan_out) ** 2
        moments = activation_moments(function, min(size, 1e200))
        moment = float(moments.second)
        deviations.append(math.sqrt(max(float(moments.variance), 0.0)))
        slopes.append(float(moments.slope))
    gradients = [deviation(*pairs[-1]) / ROWS]
    for slope, (fan_in, fan_out) in zip(slopes[:0:-1], pairs[-2:0:-1], strict=True):
        gradients.append(gradients[-1] * math.sqrt(fan_out * slope) * deviation(fan_in, fan_out))
    return np.array(deviations), np.array(gradients[::-1])


def decades(result: Profile, direction: str) -> float:
    """Mean of log10 of the ratio over the seeds."""
    ratios = np.array(result.ratios(direction))
    return float(np.log10(np.clip(ratios, 1e-45, 1e45)).mean())


def equal_variances(
    found: dict[tuple[str, str, str], Profile], wide: str, deep: str
) -> list[Claim]:
    """He and Glorot: about the same in each layer."""
    why = (
        "a layer of 16 units multiplies the variance by a random factor of mean 1 whose logarithm "
        "has a negative mean; over 30 layers the typical net loses what a rare one gains."
    )
    return [
        judge(
            "With He and Glorot the variances of activations and gradients are about the same in "
            "each layer.",
            source=SEMINAR,
            measure=f"{net}, {scheme}, {function}: decades from end to end, {direction}",
            values=np.log10(np.clip(found[net, function, scheme].ratios(direction), 1e-45, None)),
            above=-0.5,
            below=0.5,
            if_refuted=why if net == deep else "",
            if_not_settled=why if net == deep else "",
        )
        for net in (wide, deep)
        for function, scheme in (("tanh", "Xavier"), ("relu", "He, fan_in"))
        for direction in ("forward", "backward")
    ]


def conclusions(found: dict[tuple[str, str, str], Profile], wide: str) -> list[Claim]:
    """The seminar's conclusion: Xavier for tanh, He for ReLU."""

    def change(function: str, scheme: str) -> np.ndarray:
        return np.log10(np.clip(found[wide, function, scheme].ratios("backward"), 1e-45, None))

    def said(function: str) -> str:
        means = {scheme: change(function, scheme).mean() for scheme in better[function]}
        return "; ".join(f"{scheme}: {mean:+.2f} decades" for scheme, mean in means.items()) + "."

    better = {"tanh": ("Xavier", "He, fan_in"), "relu": ("He, fan_in", "Xavier")}
    tanh = (
        "Xavier's derivation takes tanh for linear; what its bends lose, He's larger weights give "
        "back, which is why torch's gain for tanh is 5/3 and not 1."
    )
    sentences = {
        "tanh": "For tanh Xavier is better, against fast explosions and fading of the gradient.",
        "relu": "For ReLU He is better.",
    }
    return [
        judge(
            sentences[function],
            source="004, 1.4",
            measure=f"{function}: decades that the gradient changes under {worse}, less those "
            f"under {best}",
            values=np.abs(change(function, worse)) - np.abs(change(function, best)),
            above=0.0,
            reason=said(function),
            if_refuted=tanh if function == "tanh" else "",
        )
        for function, (best, worse) in better.items()
    ]


def slips(settings: Settings) -> list[Claim]:
    """The forms that contradict one another, by the variance of the weights they give."""
    fan_in, fan_out = 784, 500

    def variance(scheme: str) -> list[float]:
        drawn = [next(weights(scheme, (fan_in, fan_out), seed)) for seed in settings.runs]
        return [float(weight.var()) for weight in drawn]

    goal = (fan_in + fan_out) / 2
    return [
        judge(
            "Xavier: W from U[-sqrt(6) / (n_i + n_{i+1}), sqrt(6) / (n_i + n_{i+1})].",
            source=XAVIER,
            measure="Var(W) (n_i + n_{i+1}) / 2 for 784 to 500 units, 1 by the derivation",
            values=np.multiply(variance("Xavier uniform, 000's bound"), goal),
            above=0.95,
            below=1.05,
            if_refuted="the root goes over the whole fraction: U[-a, a] has variance a^2 / 3, so "
            "that 2 / (n_i + n_{i+1}) wants a = sqrt(6 / (n_i + n_{i+1})), as 004 has it.",
        ),
        judge(
            "Xavier: W from U[-sqrt(6 / (n_i + n_{i+1})), sqrt(6 / (n_i + n_{i+1}))].",
            source=SEMINAR,
            measure="Var(W) (n_i + n_{i+1}) / 2 for 784 to 500 units, 1 by the derivation",
            values=np.multiply(variance("Xavier uniform"), goal),
            above=0.95,
            below=1.05,
        ),
        judge(
            "He for the gradient: standard deviation sqrt(2 / (n_i + 1)).",
            source=HE,
            measure="n_{i+1} Var(W) / 2 for 784 to 500 units, 1 by the derivation",
            values=fan_out * (2 / (fan_in + 1)) / 2,
            above=0.95,
            below=1.05,
            if_refuted="n_{i+1}, the outputs, is meant, not n_i + 1; 004's he_backward has it "
            "right.",
        ),
    ]


def by_layer(
    found: dict[tuple[str, str, str], Profile], net: str, settings: Settings, name: str
) -> Picture:
    """Activation and gradient by layer, theory dashed."""
    shown = ("N(0, 0.1)", "Xavier", "Xavier uniform, 000's bound", "He, fan_in", "orthogonal")
    drawn, panels = figure(
        titled(found, net),
        f"{settings.data}: {net}; standard deviation of activations (above) and of their "
        f"gradients (below), mean and range, dashed: theory for infinite width",
        rows=2, columns=3, width=12.5, height=6.6, sharex=True, sharey="row",
    )  # fmt: skip
    for column, function in enumerate(FUNCTIONS):
        above, below = panels[:, column]
        title_panel(above, function, y="" if column else "activation")
        title_panel(below, x="hidden layer", y="" if column else "gradient", whole=True)
        for place, scheme in enumerate(shown):
            result = found[net, function, scheme]
            layers = range(1, result.forward.shape[1] + 1)
            sides = (above, result.forward, 0), (below, result.backward, 1)
            for axes, rows, side in sides:
                band(axes, layers, rows, label=scheme, color=colour(place))
                theory = np.where(result.theory[side] > 1e-30, result.theory[side], np.nan)
                axes.plot(layers, theory, color=colour(place), lw=1.2, ls=(0, (4, 3)))
    for axes in panels.flat:
        axes.set_yscale("log")
        axes.set_ylim(max(axes.get_ylim()[0], 1e-9), min(axes.get_ylim()[1], 1e3))
    for axes in panels[:, -1]:
        label_ends(axes)
    return Picture(f"by-layer-{name}", drawn, "Level lines are what an initialisation is for.")


def titled(found: dict[tuple[str, str, str], Profile], net: str) -> str:
    """What Xavier and He do in this net, in numbers."""
    he = 10 ** decades(found[net, "relu", "He, fan_in"], "forward")
    xavier = 10 ** decades(found[net, "relu", "Xavier"], "forward")
    return (
        f"ReLU: He multiplies the activations by {he:.2g} from first to last layer, Xavier by "
        f"{xavier:.1g}"
    )


def overview(found: dict[tuple[str, str, str], Profile], settings: Settings) -> Picture:
    """Decades from end to end for everything."""
    nets = list(dict.fromkeys(net for net, _, _ in found))
    drawn, panels = figure(
        "Depth punishes every wrong scale, and narrow layers punish the right ones too",
        f"Decades from first to last layer (activations) and back (gradients); {settings.data}, "
        f"mean of {len(settings.runs)} seeds",
        columns=2, width=12.5, height=4.6, sharey=True,
    )  # fmt: skip
    columns = [f"{f}\n{side}" for side in ("forward", "backward") for f in FUNCTIONS]
    for axes, net in zip(panels.flat, nets, strict=True):
        table = [
            [
                decades(found[net, function, scheme], side)
                for side in ("forward", "backward")
                for function in FUNCTIONS
            ]
            for scheme in DEVIATIONS
        ]
        heat(
            axes, table, rows=list(DEVIATIONS), columns=columns, text="{:+.1f}", low=-5, high=5,
            cmap=DIVERGING,
        )  # fmt: skip
        axes.set_title(net)
    return Picture("overview", drawn, "0 keeps the scale; orange fades, blue explodes.")
