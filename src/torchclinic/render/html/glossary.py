"""Words of the report that a reader may want explained."""

from __future__ import annotations

from markupsafe import Markup

from torchclinic.core import UsageError
from torchclinic.render.html.svg import tag

GLOSSARY = {
    "activation": (
        "The output of a layer. Here its value before the non-linearity that follows it, "
        "unless something else is said."
    ),
    "arm": ("One recipe in a comparison, run with the same seeds and data order as the others."),
    "band": ("From the lowest to the highest seed at each step."),
    "BCa interval": (
        "A bootstrap confidence interval, corrected for bias and skew: the range of mean "
        "differences that the pairs support."
    ),
    "consequence": ("A finding that another one explains; it should vanish with its cause."),
    "control": (
        "An arm that repairs nothing: the unchanged recipe, a plain re-run, or a random "
        "remedy of equal budget. A repair that does not beat them is none."
    ),
    "gradient RMS": (
        "Root mean square of the loss's derivative by a layer's parameters. Layers of one "
        "healthy net lie within a few orders of magnitude."
    ),
    "held-out": ("Data that neither the training nor the choice of the repair has seen."),
    "LR range test": (
        "A short training in which the learning rate rises from step to step; it shows from "
        "which rate the loss falls and from which it blows up."
    ),
    "paired seeds": (
        "Both recipes run with the same seeds, so that each pair differs by the repair only."
    ),
    "root cause": ("The finding that explains the others."),
    "saturated": ("Lying where the non-linearity is so flat that next to no gradient passes."),
    "seed": ("The number that decides initial weights and data order of a run."),
    "sign-flip p": (
        "How often a mean difference this large would come up if before and after were "
        "swapped at random within each pair, counted over all swaps."
    ),
    "silent unit": ("A unit that is zero on every one of at least 512 samples."),
    "update-to-weight ratio": (
        "Length of one update over the length of the weights it changes; about 1e-3 in a "
        "healthy training."
    ),
}


def anchor(word: str) -> str:
    """The id of a word's entry.

    >>> anchor("BCa interval")
    'term-bca-interval'
    """
    return "term-" + "".join(c if c.isalnum() else "-" for c in word.lower())


def term(word: str, shown: str = "") -> Markup:
    """The word as a link to its entry, with the entry as its tooltip.

    Raises:
        UsageError: If the glossary has no such word.
    """
    if word not in GLOSSARY:
        raise UsageError(f"the glossary has no entry {word!r}")
    return tag("a", shown or word, href=f"#{anchor(word)}", class_="term", data_tip=GLOSSARY[word])
