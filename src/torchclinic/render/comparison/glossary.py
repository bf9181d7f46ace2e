"""Words of a comparison that a reader may want explained."""

from __future__ import annotations

from markupsafe import Markup

from torchclinic.core import UsageError
from torchclinic.render.html.glossary import GLOSSARY, anchor
from torchclinic.render.html.svg import tag

STUDY_GLOSSARY = {
    "arm": GLOSSARY["arm"],
    "baseline": "The arm that the others are compared with; the first one unless another is named.",
    "best in": (
        "Share of bootstrap resamples of the seeds in which the arm has the best mean: how sure "
        "it is that more seeds would not put another one first."
    ),
    "d_z": "Mean difference over the standard deviation of the differences.",
    "Holm p": (
        "The sign-flip p after Holm's correction for making several comparisons at once. Below "
        "one minus the confidence, the difference is called beyond chance."
    ),
    "interval": (
        "All mean differences that a sign-flip test of these pairs would not reject: it leaves "
        "zero out exactly where the sign-flip p is small enough. With fewer than 6 seeds it is "
        "Student's."
    ),
    "middle half": "The range from the lower to the upper quartile of the seeds at each step.",
    "paired seeds": (
        "All arms run with the same seeds, so that each pair of runs differs by the arm only."
    ),
    "seed": GLOSSARY["seed"],
    "sign-flip p": GLOSSARY["sign-flip p"],
    "std": "Standard deviation over the seeds.",
    "Wilcoxon Holm p": (
        "The p of Wilcoxon's signed-rank test, which looks at the ranks of the differences "
        "instead of their sizes, after Holm's correction."
    ),
    "wins": "In how many pairs of runs the arm is ahead; a tie counts half.",
}


def study_term(word: str, shown: str = "") -> Markup:
    """The word as a link to its entry, with the entry as its tooltip.

    Raises:
        UsageError: If the glossary has no such word.
    """
    if word not in STUDY_GLOSSARY:
        raise UsageError(f"the glossary of comparisons has no entry {word!r}")
    attributes = {"href": f"#{anchor(word)}", "data_tip": STUDY_GLOSSARY[word]}
    return tag("a", shown or word, class_="term", **attributes)
