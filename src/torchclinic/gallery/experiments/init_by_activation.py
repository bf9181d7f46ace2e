"""Which initialisation lets which activation learn.

:number: 7
:question: Which pairs of initialisation and activation converge, and what becomes of the weights?
:source: 000, sections "Initialisation of the weights" and "Importance of the initialisation"
:minutes: 2.8

`SimpleMNIST_NN` with three hidden layers of 100 units is trained by SGD with learning rate 0.01
under every pair of initialisation and activation; and once with ten hidden layers, where the
initialisation matters more. Xavier, He and orthogonal weights come with the gain of the
activation that follows, as `init.initialize` gives them. The weights' histograms are
followed over the training.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
from torch import Tensor, nn
from torch.optim import SGD

import torchclinic as tc
from torchclinic.gallery import Animation, Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import images, pixels
from torchclinic.gallery.style import COLOURS, band, figure, heat, label_ends, title_panel
from torchclinic.training import seeded, train

PLACE, IMPORTANCE = "000, Initialisation of the weights", "000, Importance of the initialisation"
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU, "selu": nn.SELU,
}  # fmt: skip
SCHEMES = ("zeros", "N(0, 0.01)", "N(0, 1)", "xavier-normal", "he", "orthogonal", "torch's own")
CONVERGED = 0.8  # test accuracy; guessing gives 0.1


def run(settings: Settings) -> Outcome:
    """The grid for three and for ten layers, and the histograms of one training."""
    names = settings.pick(tuple(ACTIVATIONS), ("sigmoid", "tanh", "relu"))
    found: dict[int, dict[tuple[str, str], Curves]] = {}
    for layers, start, end in ((3, 0.0, 0.35), (10, 0.35, 0.9)):
        arms = {
            f"{scheme} / {name}": recipe(settings, layers, scheme, name)
            for scheme in SCHEMES
            for name in names
        }
        curves = train_arms(arms, settings, what=f"{layers} layers", start=start, end=end)
        keys = [(scheme, name) for scheme in SCHEMES for name in names]
        found[layers] = dict(zip(keys, curves.values(), strict=True))
    settings.tell(0.9, "following the weights")
    numbers = {
        f"accuracy, {layers} layers, {scheme}, {name}": float(np.nanmean(arm.metric[:, -1]))
        for layers, grid in found.items()
        for (scheme, name), arm in grid.items()
    }
    return Outcome(
        claims=claims_of(found, settings),
        numbers=numbers,
        pictures=(grid_picture(found, settings), speed_picture(found, settings)),
        animations=(histograms(settings),),
        series={
            f"accuracy of {layers} layers/{scheme} {name}": arm.series()
            for layers, grid in found.items()
            for (scheme, name), arm in grid.items()
        },
    )


def recipe(settings: Settings, layers: int, scheme: str, name: str) -> tc.Recipe:
    """The training of one pair."""
    return tc.Recipe(
        model=partial(build, pixels(settings), layers, scheme, name),
        data=images(settings), loss=nn.CrossEntropyLoss(), optimizer=partial(SGD, lr=0.01),
        batch_size=32, steps=settings.pick(1500, 300), metric="accuracy",
    )  # fmt: skip


def build(features: int, layers: int, scheme: str, name: str) -> nn.Module:
    """`layers` hidden layers of 100 units, initialised by the scheme, biases of zero."""
    sizes = [features, *[100] * layers]
    parts: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        parts += [nn.Linear(fan_in, fan_out), ACTIVATIONS[name]()]
    net = nn.Sequential(*parts, nn.Linear(100, 10))
    if scheme in ("xavier-normal", "he", "orthogonal"):
        tc.init.initialize(net, scheme)
    elif scheme != "torch's own":
        deviation = {"zeros": 0.0, "N(0, 0.01)": 0.01, "N(0, 1)": 1.0}[scheme]
        for parameter in net.parameters():
            nn.init.normal_(parameter, std=deviation if parameter.dim() > 1 else 0.0)
    return net


def claims_of(
    found: dict[int, dict[tuple[str, str], Curves]], settings: Settings
) -> tuple[Claim, ...]:
    """What the lecture says of the start."""
    three, ten = found[3], found[10]
    converged = {key: np.nanmean(arm.metric[:, -1]) > CONVERGED for key, arm in ten.items()}
    mixed = [
        scheme
        for scheme in SCHEMES
        if len({bool(yes) for (key, _), yes in converged.items() if key == scheme}) == 2
    ]
    return (
        judge(
            "Zero weights are a bad idea: we learn nothing.",
            source=PLACE,
            measure="test accuracy of three ReLU layers with weights of zero (0.1 is chance)",
            values=three["zeros", "relu"].final,
            below=0.2,
        ),
        judge(
            "With zero weights the gradient of all of them is the same.",
            source=PLACE,
            measure="spread of the gradient within each layer, over its size, five updates on",
            values=[zero_gradient_spread(settings, seed) for seed in settings.runs],
            below=1e-3,
            if_refuted="the gradient differs between the rows of the output layer, one a class; "
            "what is the same is that of the units within one layer.",
        ),
        judge(
            "The net can converge much faster.",
            source=IMPORTANCE,
            measure="training loss of three ReLU layers after a tenth of the training: N(0, 0.01) "
            "less He",
            values=early(three["N(0, 0.01)", "relu"]) - early(three["he", "relu"]),
            above=0.1,
        ),
        judge(
            "Depending on the activation the net may converge or not at all.",
            source=IMPORTANCE,
            measure="initialisations under which some activations converge in ten layers and "
            "some do not",
            values=float(len(mixed)),
            above=0.0,
            reason=f"They are: {', '.join(mixed) or 'none'}.",
        ),
        judge(
            "Sometimes the orthogonal initialisation gives a much better convergence.",
            source="000, Orthogonal initialisation",
            measure="test accuracy of ten tanh layers: orthogonal less torch's own",
            values=np.subtract(ten["orthogonal", "tanh"].final, ten["torch's own", "tanh"].final),
            above=0.05,
        ),
        judge(
            "We need Xavier, since we have a sigmoid.",
            source="000, Initialisation in PyTorch",
            measure="test accuracy of three sigmoid layers with Xavier weights",
            values=three["xavier-normal", "sigmoid"].final,
            above=CONVERGED,
            if_refuted="Xavier's derivation wants an odd function with slope 1 at zero; the "
            "sigmoid is neither, and its slope of 1/4 shrinks the gradient fourfold a layer.",
        ),
    )


def early(arm: Curves) -> np.ndarray:
    """Training loss after a tenth of the training, over a twentieth of it."""
    _, losses = arm.training(arm.train_loss.shape[1] // 20)
    return losses[:, losses.shape[1] // 10]


def zero_gradient_spread(settings: Settings, seed: int) -> float:
    """How much the gradients of the units of a hidden layer differ, sigmoid, after five updates.

    After one update the output layer has learned its biases; from then on gradient flows.
    """
    job = recipe(settings, 3, "zeros", "sigmoid").replace(steps=5)
    net = train(job, seed, keep_model=True).model
    x, labels = images(settings).train
    nn.functional.cross_entropy(net(x[:256]), labels[:256]).backward()
    spreads = []
    for layer in [part for part in net if isinstance(part, nn.Linear)][1:-1]:
        gradient = layer.weight.grad
        assert gradient is not None
        size = float(gradient.abs().max())
        spreads.append(float((gradient - gradient[:1]).abs().max()) / size if size > 0 else 0.0)
    return max(spreads)


def grid_picture(found: dict[int, dict[tuple[str, str], Curves]], settings: Settings) -> Picture:
    """Accuracy of every pair."""
    shares = {
        layers: np.mean([np.nanmean(a.metric[:, -1]) > CONVERGED for a in grid.values()])
        for layers, grid in found.items()
    }
    drawn, panels = figure(
        f"{shares[3]:.0%} of the pairs converge with three layers, {shares[10]:.0%} with ten",
        f"Test accuracy on {settings.data}, SGD, learning rate 0.01, mean of "
        f"{len(settings.runs)} seeds",
        columns=2, width=12, height=4.4, sharey=True,
    )  # fmt: skip
    for axes, (layers, grid) in zip(panels.flat, found.items(), strict=True):
        names = list(dict.fromkeys(name for _, name in grid))
        table = [
            [np.nanmean(grid[scheme, name].metric[:, -1]) for name in names] for scheme in SCHEMES
        ]
        heat(axes, table, rows=SCHEMES, columns=names, low=0.1, high=1.0)
        axes.set_title(f"{layers} hidden layers")
    return Picture("grid", drawn, "Light: no better than guessing. Dark: learned.")


def speed_picture(found: dict[int, dict[tuple[str, str], Curves]], settings: Settings) -> Picture:
    """Loss curves of the ReLU nets."""
    drawn, panels = figure(
        "The start decides when learning begins, and in a deep net whether",
        f"Training loss of ReLU nets on {settings.data}, mean of a fiftieth of the updates each; "
        f"band: lowest to highest of {len(settings.runs)} seeds",
        columns=2, width=12, sharey=True,
    )  # fmt: skip
    for axes, (layers, grid) in zip(panels.flat, found.items(), strict=True):
        for scheme in SCHEMES:
            arm = grid[scheme, "relu"]
            band(axes, *arm.training(arm.train_loss.shape[1] // 50), label=scheme)
        title_panel(axes, f"{layers} hidden layers", x="update")
        axes.set_ylim(0, 4)
        label_ends(axes)
    return Picture("speed", drawn, "Levels at 2.3 are nets that guess.")


def histograms(settings: Settings) -> Animation:
    """Weights of every layer over the training of three tanh layers, Xavier."""
    frames = settings.pick(40, 20)
    job = recipe(settings, 3, "xavier-normal", "tanh").replace(optimizer=partial(SGD, lr=0.1))
    with seeded(0):
        net = job.model()
    kept: list[list[np.ndarray]] = []
    every = max(1, (job.steps or 1) // frames)

    def keep(step: int, loss: Tensor) -> None:
        del loss
        if step % every == 1 or every == 1:
            kept.append(
                [p.detach().numpy().ravel().copy() for p in net.parameters() if p.dim() > 1]
            )

    train(job.replace(model=shared(net)), 0, on_step=keep)
    drawn, panels = figure(
        "The weights move away from their first distribution, most of all in the last layer",
        f"Three tanh layers of Xavier weights, SGD, learning rate 0.1, {settings.data}, seed 0; "
        "grey is the start",
        columns=4, width=12, height=3.4,
    )  # fmt: skip
    edges = [
        np.linspace(-b, b, 61)
        for b in (1.1 * max(np.abs(f[i]).max() for f in kept) for i in range(4))
    ]
    bars = []
    for place, (axes, bins) in enumerate(zip(panels.flat, edges, strict=True)):
        first = np.histogram(kept[0][place], bins, density=True)[0]
        axes.stairs(first, bins, fill=True, color=COLOURS["grey"], alpha=0.35)
        bars.append(axes.stairs(first, bins, color=COLOURS["blue"], lw=1.8))
        title_panel(axes, f"layer {place + 1}", x="weight")
        axes.set_ylim(0, 1.15 * first.max())
        axes.set_yticks([])
    note = panels[0, 0].text(0.03, 0.95, "", transform=panels[0, 0].transAxes, va="top")

    def draw(frame: int) -> None:
        for place, (stairs, bins) in enumerate(zip(bars, edges, strict=True)):
            stairs.set_data(np.histogram(kept[frame][place], bins, density=True)[0])
        note.set_text(f"update {1 + frame * every}")

    return Animation("weights", drawn, draw, len(kept), "Blue: the weights as they are trained.")


def shared(net: nn.Module) -> Callable[[], nn.Module]:
    """A factory that gives this very net, so that it can be looked at while it is trained."""
    return lambda: net
