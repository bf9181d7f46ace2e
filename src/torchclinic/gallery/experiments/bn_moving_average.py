"""Moving average or a list of all means: memory and error.

:number: 13
:question: What does BatchNorm's moving average save, and what does it cost in accuracy?
:source: lecture 000, BatchNormalization, "The moving average"
:minutes: 0.1

At prediction time there is no batch, so BatchNorm needs a mean that it has kept. The lecture draws
10,000 samples of 50 from a negative binomial distribution with n = 2 and p = 0.5 and compares an
exponential moving average (alpha = 0.01) with the mean of a stored list of all sample means.

Both of its alternatives are laid beside a third that it does not name: a running sum with a
counter, `mu += (x - mu) / k`, which is `BatchNorm1d(momentum=None)`. It needs two numbers. What it
cannot do, and what the moving average is good for, shows when the mean drifts, as it does while
the layers below are trained.
"""

from __future__ import annotations

import sys

import numpy as np

from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.style import COLOURS, band, dots, figure, label_ends, title_panel

LECTURE = "000, The moving average"
N, P, SAMPLE, STEPS, ALPHA = 2, 0.5, 50, 10_000, 0.01
MEAN, STD = N * (1 - P) / P, np.sqrt(N * (1 - P)) / P
DRIFT = 2.0  # by how much the mean rises over the steps
KINDS = ("moving average", "stored list", "running sum")


def sample_means(seed: int, drift: float = 0.0) -> np.ndarray:
    """Means of the samples, around a true mean that may rise by `drift` on the way."""
    draws = np.random.default_rng(seed).negative_binomial(N, P, size=(STEPS, SAMPLE))
    return draws.mean(axis=1) + np.linspace(0, drift, STEPS)


def moving_average(values: np.ndarray, alpha: float = ALPHA, start: float = 0.0) -> np.ndarray:
    """The lecture's `ema = (1 - alpha) * ema + alpha * x` after each step."""
    from scipy.signal import lfilter

    found, _ = lfilter([alpha], [1, alpha - 1], values, zi=[(1 - alpha) * start])
    return np.asarray(found)


def running_mean(values: np.ndarray) -> np.ndarray:
    """Mean of all values so far, after each step: what a stored list gives, in two numbers."""
    return np.cumsum(values) / np.arange(1, len(values) + 1)


def run(settings: Settings) -> Outcome:
    """Errors of the estimates for a mean that stays and for one that moves."""
    seeds = range(5 * len(settings.runs))  # a draw costs little, so five for each seed
    still = np.stack([sample_means(seed) for seed in seeds])
    moving = np.stack([sample_means(seed, DRIFT) for seed in seeds])
    paths = {
        "moving average": np.stack([moving_average(row) for row in still]),
        "running sum": np.stack([running_mean(row) for row in still]),
    }
    drifting = {
        "moving average": np.stack([moving_average(row) for row in moving]),
        "running sum": np.stack([running_mean(row) for row in moving]),
    }
    errors = {
        "moving average": np.abs(paths["moving average"][:, -1] - MEAN),
        "stored list": np.abs(still.mean(axis=1) - MEAN),
        "running sum": np.abs(paths["running sum"][:, -1] - MEAN),
    }
    behind = {name: np.abs(path[:, -1] - MEAN - DRIFT) for name, path in drifting.items()}
    memory = {
        "moving average": sys.getsizeof(0.0),
        "stored list": sys.getsizeof(still[0].copy()),
        "running sum": sys.getsizeof(0.0) + sys.getsizeof(STEPS),
    }
    return Outcome(
        claims=_claims(errors, behind, memory),
        numbers={
            **{f"bytes/{name}": size for name, size in memory.items()},
            **{f"error/{name}": float(values.mean()) for name, values in errors.items()},
            **{f"error of a drifting mean/{n}": float(v.mean()) for n, v in behind.items()},
            "error expected of the moving average": _expected_error(),
        },
        pictures=(_errors(errors, memory), _drift(paths, drifting)),
    )


def _expected_error() -> float:
    """Mean absolute error of a moving average: its variance is alpha / (2 - alpha) of a mean's."""
    return float(STD / np.sqrt(SAMPLE) * np.sqrt(ALPHA / (2 - ALPHA)) * np.sqrt(2 / np.pi))


def _claims(
    errors: dict[str, np.ndarray], behind: dict[str, np.ndarray], memory: dict[str, int]
) -> tuple[Claim, ...]:
    p = 0.3  # where the two formulas differ
    drawn = np.random.default_rng(0).negative_binomial(N, p, size=1_000_000).mean()
    return (
        judge(
            "The list takes orders of magnitude more memory than the moving average.",
            source=LECTURE,
            measure="bytes of the list over bytes of one number",
            values=memory["stored list"] / memory["moving average"],
            above=100.0,
        ),
        judge(
            "The moving average is a fairly accurate estimate.",
            source=LECTURE,
            measure="its error, as a share of the true mean of 2",
            values=errors["moving average"] / MEAN,
            below=0.02,
        ),
        judge(
            "The mean of the whole training set cannot be had without storing all means.",
            source=LECTURE,
            measure="error of a running sum minus error of the stored list",
            values=float(np.abs(errors["running sum"] - errors["stored list"]).max()),
            above=1e-9,
            if_refuted="A sum and a counter give the very same number in two numbers of memory, "
            f"{errors['moving average'].mean() / errors['running sum'].mean():.0f} times closer to "
            "the truth than the moving average; torch has it as momentum=None.",
        ),
        judge(
            "(Not in the lecture: why it is used all the same.) It follows a mean that drifts.",
            source="Ioffe and Szegedy 2015, arXiv 1502.03167",
            measure="error after a drift by 2: moving average over running sum",
            values=behind["moving average"] / behind["running sum"],
            below=0.2,
        ),
        judge(
            "The mean of a negative binomial distribution is n p / (1 - p).",
            source=LECTURE,
            measure=f"mean of a million draws of numpy's with p = {p}, over n p / (1 - p)",
            values=float(drawn / (N * p / (1 - p))),
            above=0.9,
            below=1.1,
            if_refuted="numpy counts failures before the n-th success, whose mean is n (1 - p) / p;"
            " at the lecture's p = 0.5 the two formulas agree by chance.",
        ),
    )


def _errors(errors: dict[str, np.ndarray], memory: dict[str, int]) -> Picture:
    names = {name: f"{name}\n{memory[name]:,} bytes" for name in KINDS}
    ratio = errors["moving average"].mean() / errors["running sum"].mean()
    drawn, axes = figure(
        f"One number instead of a list: {ratio:.0f} times the error, "
        f"{memory['stored list'] // memory['moving average']:,} times less memory",
        f"Error of the estimated mean after {STEPS:,} samples of {SAMPLE}; a dot is a repetition. "
        "A sum and a counter have the list's accuracy in two numbers.",
        height=3.2,
    )
    shades = dict(
        zip(names.values(), map(COLOURS.get, ("blue", "vermilion", "green")), strict=True)
    )
    rows = {names[name]: errors[name].tolist() for name in KINDS}
    dots(axes[0, 0], rows, colours={k: str(v) for k, v in shades.items()}, text="{:.4f}")
    title_panel(axes[0, 0], "", x="distance from the true mean of 2")
    axes[0, 0].set_xlim(left=0)
    return Picture("errors", drawn, "Error and memory of the three ways to keep a mean.")


def _drift(paths: dict[str, np.ndarray], drifting: dict[str, np.ndarray]) -> Picture:
    drawn, axes = figure(
        "While the mean drifts only the moving average keeps up with it",
        f"Estimates over {STEPS:,} samples; band: lowest to highest repetition; dashed: the truth.",
        columns=2,
        sharey=True,
    )
    x = np.arange(0, STEPS, 50)
    truths = (np.full(STEPS, MEAN), MEAN + np.linspace(0, DRIFT, STEPS))
    titles = ("a mean that stays", "a mean that drifts")
    for panel, found, truth, title in zip(axes[0], (paths, drifting), truths, titles, strict=True):
        panel.set_ylim(1.5, 4.3)
        for name, shade in (("moving average", "blue"), ("running sum", "green")):
            band(panel, x, found[name][:, x], label=name, color=COLOURS[shade], lw=1.6)
        panel.plot(x, truth[x], color=COLOURS["black"], ls="--", lw=1, label="_truth")
        title_panel(panel, title, x="samples seen", y="estimate")
        label_ends(panel)
    return Picture("drift", drawn, "Estimates of a constant and of a drifting mean.")
