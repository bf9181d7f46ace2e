"""Losses of torch that want something else than they are given: divergences, counts, signs."""

from __future__ import annotations

from typing import NamedTuple

from torchclinic.core.facts import Case, LossFacts
from torchclinic.core.finding import Evidence
from torchclinic.rules.evidence import fact
from torchclinic.rules.wording import number

# Losses whose labels are -1 and +1.
SIGNED = (
    "soft_margin_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "cosine_embedding_loss",
)


class Mismatch(NamedTuple):
    """What does not fit.

    Attributes:
        title: One line.
        text: Why it harms.
        evidence: Numbers.
        certain: Whether it is beyond doubt.
    """

    title: str
    text: str
    evidence: tuple[Evidence, ...]
    certain: bool


def named_mismatch(case: Case) -> Mismatch | None:
    """The first thing that does not fit a divergence, a likelihood or a loss of signs."""
    given = case.batch.loss if case.batch is not None else None
    if given is None:
        return None
    return _divergence(given) or _counts(given) or _variance(given) or _signs(given)


def _divergence(given: LossFacts) -> Mismatch | None:
    if given.function != "kl_div" or given.given == "log-probabilities":
        return None
    what = "probabilities" if given.given == "probabilities" else "numbers that are no logarithms"
    return Mismatch(
        f"KLDivLoss receives {what}, not log-probabilities",
        "KLDivLoss takes its first argument for logarithms of probabilities: it multiplies the "
        f"target by them as they are. Here it gets {what}, so that raising the outputs lowers the "
        "loss, below 0 too, where no divergence can be. End the model in log_softmax.",
        (fact("rows of the output that are log-probabilities", 0),),
        certain=True,
    )


def _counts(given: LossFacts) -> Mismatch | None:
    if given.function != "poisson_nll_loss":
        return None
    if given.log_input and given.exponential and given.given == "positive":
        return Mismatch(
            "PoissonNLLLoss applies exp to an output that is an exponential already",
            "With log_input=True, its default, PoissonNLLLoss takes the output for the logarithm "
            "of the rate and applies exp itself. The model ends in exp or softplus, so that the "
            "rate is exp(exp(x)). Leave that out of the model, or say log_input=False.",
            (fact("log_input", 1), fact("outputs at or below 0", 0)),
            certain=True,
        )
    if given.log_input is False and given.given == "any":
        return Mismatch(
            "PoissonNLLLoss takes the logarithm of outputs that may be negative",
            "With log_input=False the output is the rate itself, whose logarithm the loss takes; "
            "the model gives numbers of both signs. Give it a softplus or an exp, or say "
            "log_input=True.",
            (fact("log_input", 0),),
            certain=True,
        )
    return None


def _variance(given: LossFacts) -> Mismatch | None:
    if given.variance is None or given.variance > 0:
        return None
    name = "GaussianNLLLoss" if given.function == "gaussian_nll_loss" else "the Gaussian likelihood"
    return Mismatch(
        f"{name} receives variances down to {number(given.variance)}",
        "The negative log-likelihood divides by the variance and takes its logarithm, so that it "
        f"must be above 0. Here it gets numbers down to {number(given.variance)}. Torch refuses "
        "negative ones, and a clamp turns all of them into the smallest variance there is, where "
        "the error weighs most and no gradient leads away. Pass that output through a softplus or "
        "an exp, or take it for the logarithm of the variance: "
        "0.5 * (s + (target - mean)**2 * exp(-s)).",
        (fact("smallest variance", given.variance),),
        certain=True,
    )


def _signs(given: LossFacts) -> Mismatch | None:
    if given.function not in SIGNED or given.lowest != 0 or given.highest != 1:
        return None
    return Mismatch(
        f"{given.function} takes labels -1 and +1, but gets 0 and 1",
        f"{given.function} multiplies by its label or asks whether it is -1. A label of 0 is "
        "neither: such rows add a constant, or the wrong term, and pull nothing apart. Give it "
        "2 * label - 1.",
        (
            fact("smallest label", given.lowest),
            fact("largest label", given.highest),
            *(fact(f"rows of label {c} without a gradient", n) for c, n in given.silent.items()),
        ),
        certain=True,
    )


def silent_labels(given: LossFacts) -> str:
    """The labels of which the loss says nothing, in words.

    >>> silent_labels(LossFacts(rows={0: 8, 1: 9}, silent={0: 8}))
    '0 (8 rows)'
    """
    return ", ".join(f"{label} ({number(rows)} rows)" for label, rows in given.silent.items())
