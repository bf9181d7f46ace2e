"""A first loss above ln(10) is spent on shrinking the scores.

:number: 5
:question: What does the loss before the first update tell, and what does a bad one cost?
:source: 001, sections 1.1 "Initial distribution of the classes" and 1.3
:minutes: 0.1

An MLP of 784-128-10 with tanh starts from N(0, 1) parameters and is trained by SGD with learning
rate 0.1 for ten epochs of 101 batches of 32 (the lecture's loop breaks after the batch numbered
100). Against it: the same with the last layer made small, so that the scores start near zero;
and `nn.Linear`'s own initialisation. Two of the lecture's formulas are tried, too: its
cross-entropy is the one for two classes, and its tanh has a minus in the denominator.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that everybody knows it by
from torch.optim import SGD

import torchclinic as tc
from torchclinic.functional import uniform_loss
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import Curves, train_arms
from torchclinic.gallery.data import images, pixels
from torchclinic.gallery.style import COLOURS, band, dots, figure, title_panel
from torchclinic.training import seeded

PLACE, LATER = "001, 1.1 Initial distribution of the classes", "001, 1.3 And how is it right?"
EPOCHS, BATCHES, SMALL = 10, 101, 0.01
EXPECTED = uniform_loss(10)


class NormalMLP(nn.Module):
    """The lecture's MLP: every parameter from N(0, 1), the last layer times `last`.

    **Shape**: (N, features) -> (N, 10).
    """

    def __init__(self, features: int, last: float = 1.0) -> None:
        super().__init__()
        self.l1, self.l2 = nn.Linear(features, 128), nn.Linear(128, 10)
        for parameter in self.parameters():
            nn.init.normal_(parameter)
        with torch.no_grad():
            for parameter in self.l2.parameters():
                parameter.mul_(last)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the ten classes."""
        return self.l2(torch.tanh(self.l1(x)))


def linear_mlp(features: int) -> nn.Module:
    """The same with the initialisation of `nn.Linear`."""
    return nn.Sequential(nn.Linear(features, 128), nn.Tanh(), nn.Linear(128, 10))


def run(settings: Settings) -> Outcome:
    """First losses, trainings, and the two formulas."""
    features = pixels(settings)
    models = {
        "N(0, 1)": partial(NormalMLP, features),
        "N(0, 1), small last layer": partial(NormalMLP, features, SMALL),
        "nn.Linear's own": partial(linear_mlp, features),
    }
    data = lecture_data(settings)
    first = {
        name: [first_loss(build, data, seed) for seed in settings.runs]
        for name, build in models.items()
    }
    arms = {
        name: tc.Recipe(
            model=build, data=data, loss=nn.CrossEntropyLoss(), optimizer=partial(SGD, lr=0.1),
            batch_size=32, steps=settings.pick(EPOCHS, EPOCHS // 2) * BATCHES, metric="accuracy",
        )
        for name, build in models.items()
    }  # fmt: skip
    found = train_arms(arms, settings)
    numbers = {f"first loss, {name}": float(np.mean(values)) for name, values in first.items()}
    numbers |= {f"last test loss, {n}": float(np.mean(arm.final_loss)) for n, arm in found.items()}
    numbers |= {f"accuracy, {n}": float(np.mean(arm.final)) for n, arm in found.items()}
    numbers["ln(10)"] = EXPECTED
    return Outcome(
        claims=(*loss_claims(first, found), *formula_claims()),
        numbers=numbers,
        pictures=(hockey_stick(found, first, settings), scores_picture(models, data)),
        series={f"accuracy/{name}": arm.series() for name, arm in found.items()},
    )


def lecture_data(settings: Settings) -> tc.Splits:
    """Pixels in [0, 1], as `ToTensor` gives them."""
    whole = images(settings)
    low, high = whole.train[0].min(), whole.train[0].max()

    def scaled(part: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return (part[0] - low) / (high - low), part[1]

    return tc.Splits(train=scaled(whole.train), test=scaled(whole.test), name=whole.name)


def first_loss(build: partial[nn.Module], data: tc.Splits, seed: int) -> float:
    """Cross-entropy of the fresh net on the training set."""
    x, labels = data.train
    with seeded(seed), torch.no_grad():
        return float(F.cross_entropy(build()(x), labels))


def loss_claims(first: dict[str, list[float]], found: dict[str, Curves]) -> list[Claim]:
    """What the lecture says of losses."""
    plain, small, own = found.values()
    third = 3 * BATCHES
    return [
        judge(
            "We started from a very high loss; the first one is far from the expected one.",
            source=PLACE,
            measure="first loss with N(0, 1) parameters, less ln(10)",
            values=np.subtract(first["N(0, 1)"], EXPECTED),
            above=1.0,
        ),
        judge(
            "By the third epoch the model had converged to about 2, and then changed little.",
            source=PLACE,
            measure="mean training loss in epoch 3, N(0, 1) parameters",
            values=plain.train_loss[:, third - BATCHES : third].mean(axis=1),
            above=1.5,
            below=2.5,
            if_refuted="how far the descent has come by then depends on the spread of the scores, "
            "and that on the number and size of the pixels.",
        ),
        judge(
            "Scores near zero make the first loss the expected one, ln(10).",
            source=PLACE,
            measure="first loss with a small last layer, over ln(10)",
            values=np.divide(first["N(0, 1), small last layer"], EXPECTED),
            above=0.98,
            below=1.02,
        ),
        judge(
            "Has the loss changed now that the easy part of the task is gone?",
            source=PLACE,
            measure="last test loss with N(0, 1), less that with a small last layer",
            values=np.subtract(plain.final_loss, small.final_loss),
            above=0.0,
            if_holds="Yes: updates that shrank the scores now teach.",
        ),
        judge(
            "nn.Linear: no evident problems, its initialisation is set up well.",
            source=LATER,
            measure="first loss with nn.Linear's own initialisation, over ln(10)",
            values=np.divide(first["nn.Linear's own"], EXPECTED),
            above=0.95,
            below=1.05,
        ),
        judge(
            "Small models are trained in the end all the same; it only takes longer.",
            source="001, Summary",
            measure="last test accuracy with N(0, 1) parameters less nn.Linear's own",
            values=np.subtract(plain.final, own.final),
            above=-0.05,
            below=0.05,
            if_refuted="not within the lecture's ten epochs.",
        ),
    ]


def formula_claims() -> list[Claim]:
    """The two formulas, taken at their word."""
    guess = 0.1
    written = -(math.log(guess) + 9 * math.log(1 - guess))
    z = 0.7
    tanh = (math.exp(z) - math.exp(-z)) / (math.exp(z) - math.exp(-z))
    return [
        judge(
            "CrossEntropy = -sum_i [y_i log p_i + (1 - y_i) log(1 - p_i)].",
            source=PLACE,
            measure="this formula for ten equal probabilities, over what F.cross_entropy gives",
            values=written / float(F.cross_entropy(torch.zeros(1, 10), torch.tensor([3]))),
            above=0.999,
            below=1.001,
            if_refuted="that is the loss of ten yes-or-no questions, 3.251; of ten classes that "
            "exclude one another it is -sum_i y_i log p_i, here ln(10) = 2.303.",
        ),
        judge(
            "tanh z = (e^z - e^-z) / (e^z - e^-z).",
            source="001, 1.2 Values of the activations",
            measure="this formula at z = 0.7, over torch.tanh(0.7)",
            values=tanh / float(torch.tanh(torch.tensor(z, dtype=torch.float64))),
            above=0.999,
            below=1.001,
            if_refuted="as written it is 1 everywhere; the denominator is e^z + e^-z.",
        ),
    ]


def hockey_stick(
    found: dict[str, Curves], first: dict[str, list[float]], settings: Settings
) -> Picture:
    """Training loss of each arm."""
    bad = float(np.mean(first["N(0, 1)"]))
    drawn, ((left, right),) = figure(
        f"N(0, 1) parameters start at a loss of {bad:.1f} where guessing costs {EXPECTED:.1f}",
        f"{pixels(settings)}-128-10 with tanh, SGD, learning rate 0.1, {settings.data}, mean and "
        f"range of {len(settings.runs)} seeds",
        columns=2,
    )
    title_panel(left, "Training loss, mean of 20 updates", x="update")
    title_panel(right, "Test accuracy at the end; a dot is a seed", x="accuracy")
    for arm in found.values():
        band(left, *arm.training(20), label=arm.name)
    left.axhline(EXPECTED, color=COLOURS["grey"], lw=1, ls=":")
    left.set_yscale("log")
    left.legend()
    dots(right, {name: arm.final for name, arm in found.items()})
    return Picture("hockey-stick", drawn, "The dotted line is ln(10), the loss of guessing.")


def scores_picture(models: dict[str, partial[nn.Module]], data: tc.Splits) -> Picture:
    """The probabilities that fresh nets give to the ten classes."""
    x, _ = data.train
    drawn, panels = figure(
        "Wide scores are confident guesses: nearly all of the probability on one class",
        "Probability of the most probable class on the training set, fresh nets, seed 0",
        columns=3, height=3.2, sharex=True,
    )  # fmt: skip
    for place, (axes, (name, build)) in enumerate(zip(panels.flat, models.items(), strict=True)):
        with seeded(0), torch.no_grad():
            scores = build()(x)
        axes.hist(scores.softmax(1).amax(1).numpy(), np.linspace(0, 1, 41), color=f"C{place}")
        title_panel(axes, f"{name}\nstd of the scores {float(scores.std()):.2f}", x="probability")
        axes.set_yticks([])
    return Picture("confidence", drawn, "A net that knows nothing should give 0.1 to each class.")
