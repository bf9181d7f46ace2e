"""Three sigmoid layers do not learn.

:number: 1
:question: Does a net of three sigmoid layers learn digits, and what reaches its first layer?
:source: 000, section "The sigmoid fades in theory and in practice"
:minutes: 0.3

The lecture trains `SimpleMNIST_NN` with two and with three hidden layers of 100 sigmoid units by
SGD with learning rate 0.001 and batches of 32, for five epochs of MNIST: 9,375 updates. It then
watches gradients and activations of each layer, and at last starts from Xavier weights.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import nn

import torchclinic as tc
from torchclinic.gallery import Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import images
from torchclinic.gallery.sigmoid_paralysis import SimpleNet, recipe
from torchclinic.gallery.style import band, figure, label_ends, shades, title_panel
from torchclinic.training import train
from torchclinic.watch import WatchOptions

PLACE = "000, The sigmoid fades"
UPDATES = 9375  # five epochs of MNIST in batches of 32
WATCHED = 1000  # of them are watched; nothing changes afterwards


def run(settings: Settings) -> Outcome:
    """Train two layers, three layers and three Xavier layers; watch the gradient by layer."""
    steps = settings.pick(UPDATES, UPDATES // 2)
    arms = {
        "2 layers": shortened(settings, 2, steps),
        "3 layers": shortened(settings, 3, steps),
        "3 layers, Xavier": shortened(settings, 3, steps).replace(model=xavier(settings)),
    }
    found = train_arms(arms, settings, what="training", end=0.7)
    settings.tell(0.7, "watching the gradient")
    traces = [watched(arms["3 layers"], seed) for seed in settings.runs]
    shares = [first_over_last(trace) for trace in traces]

    claims = (
        judge(
            "A net with three layers does not learn at all.",
            source=PLACE,
            measure="test accuracy of three layers (0.1 is chance)",
            values=found["3 layers"].final,
            below=0.2,
        ),
        judge(
            "With two layers the same training does learn.",
            source=PLACE,
            measure="test accuracy of two layers",
            values=found["2 layers"].final,
            above=0.2,
            if_refuted="the loss of two layers falls, but by so little that all images are still "
            "given the same class: learning rate 0.001 is too small for two layers as well.",
        ),
        judge(
            "The gradient fades fast: what reaches the first layer is hardly different from zero.",
            source=PLACE,
            measure="gradient of the first layer over that of the last, median over 1,000 updates",
            values=[float(np.median(share)) for share in shares],
            below=0.01,
        ),
        judge(
            "This is so from the very first steps.",
            source=PLACE,
            measure="gradient of the first layer over that of the last, at step 1",
            values=[share[0] for share in shares],
            below=0.01,
        ),
        judge(
            "With Xavier weights the net has begun to learn at least somehow.",
            source="000, Initialisation in PyTorch",
            measure="how much more the test loss fell with Xavier weights than with torch's own",
            values=np.subtract(found["3 layers"].final_loss, found["3 layers, Xavier"].final_loss),
            above=0.0,
            reason=f"Test accuracy is {np.mean(found['3 layers, Xavier'].final):.0%}. Xavier's "
            "formula is derived for a slope of 1 at zero; the sigmoid's is 1/4, so that three "
            "layers still shrink the gradient by their slopes alone.",
        ),
    )
    return Outcome(
        claims=claims,
        numbers=numbers(found, shares),
        pictures=(learning(found, settings), fading(traces[0], settings)),
        series={f"accuracy/{name}": arm.series() for name, arm in found.items()}
        | {
            f"gradient/{layer.name}": layer["gradient_rms"]
            for layer in traces[0].layers
            if "gradient_rms" in layer.series
        },
    )


def shortened(settings: Settings, n_layers: int, steps: int) -> tc.Recipe:
    """The lecture's training, in updates instead of epochs so that both data sets get as many."""
    job = recipe(settings.data, n_layers)
    return job.replace(data=images(settings), epochs=None, steps=steps)


def xavier(settings: Settings) -> Callable[[], nn.Module]:
    """Three layers with Xavier weights, gain of the sigmoid, and zero biases."""

    def build() -> nn.Module:
        net = SimpleNet(784 if settings.data == "mnist" else 64, 3)
        tc.init.initialize(net, "xavier-normal")
        return net

    return build


def watched(job: tc.Recipe, seed: int) -> tc.Trace:
    """Readings of every layer during the first updates."""
    options = WatchOptions(every=20, statistics=("gradient_rms", "activation_mean"))
    trace = train(job, seed, max_steps=WATCHED, watch=options).trace
    assert trace is not None
    return trace


def first_over_last(trace: tc.Trace) -> np.ndarray:
    """Gradient of the first weights over that of the last, by reading."""
    readings = [layer["gradient_rms"].values for layer in trace.weighted()]
    return np.asarray(readings[0]) / np.asarray(readings[-1])


def numbers(found: dict[str, Curves], shares: list[np.ndarray]) -> dict[str, float]:
    """Final accuracy and loss of each arm, and what is left of the gradient."""
    flat = {f"accuracy, {name}": float(np.mean(arm.final)) for name, arm in found.items()}
    flat |= {f"loss, {name}": float(np.mean(arm.final_loss)) for name, arm in found.items()}
    flat["gradient first/last, step 1"] = float(np.mean([share[0] for share in shares]))
    flat["gradient first/last, median"] = float(np.mean([np.median(s) for s in shares]))
    return flat


def learning(found: dict[str, Curves], settings: Settings) -> Picture:
    """Loss and accuracy of the three arms."""
    two, three = (np.mean(found[name].final) for name in ("2 layers", "3 layers"))
    drawn, ((left, right),) = figure(
        f"Three sigmoid layers stay at {three:.0%} correct, two reach {two:.0%}",
        f"SGD, learning rate 0.001, {settings.data}, mean and range of {len(settings.runs)} seeds",
        columns=2,
    )
    title_panel(left, "Test loss", x="update")
    title_panel(right, "Test accuracy", x="update")
    for arm in found.values():
        band(left, arm.steps, arm.loss, label=arm.name)
        band(right, arm.steps, arm.metric, label=arm.name)
    left.axhline(np.log(10), color="#5d6870", lw=1, ls=":")
    right.axhline(0.1, color="#5d6870", lw=1, ls=":")
    right.set_ylim(0, max(0.5, right.get_ylim()[1]))
    for axes in (left, right):
        label_ends(axes)
    return Picture("learning", drawn, "Loss and accuracy; the dotted line is guessing.")


def fading(trace: tc.Trace, settings: Settings) -> Picture:
    """Gradient and activation of each layer over the training."""
    layers = trace.weighted()
    share = float(np.median(first_over_last(trace)))
    drawn, ((left, right),) = figure(
        f"The first of four weight matrices gets 1/{1 / share:,.0f} of the last one's gradient, "
        "from the first step on",
        f"Three sigmoid layers on {settings.data}, seed 0; gradient is the root mean square",
        columns=2,
    )
    title_panel(left, "Gradient of the weights", x="update")
    title_panel(right, "Mean output before the activation", x="update")
    for place, (layer, shade) in enumerate(zip(layers, shades(len(layers)), strict=True), 1):
        for axes, statistic in ((left, "gradient_rms"), (right, "activation_mean")):
            series = layer[statistic]
            axes.plot(series.steps, series.values, color=shade, label=f"layer {place}", lw=1.6)
    left.set_yscale("log")
    for axes in (left, right):
        label_ends(axes)
    return Picture("fading", drawn, "Each layer passes back a small share of what it gets.")
