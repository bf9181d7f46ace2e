"""What a comparison shows, in plain words."""

from __future__ import annotations

import math
from dataclasses import replace

from torchclinic.core import StudyComparison
from torchclinic.study.wording import comparison_words, p_words

# Cohen's words for a mean difference in standard deviations: Statistical Power Analysis (1988), 2.2
_SIZES = ((0.2, "negligible"), (0.5, "small"), (0.8, "medium"), (math.inf, "large"))


def comparison_sentence(c: StudyComparison) -> StudyComparison:
    """The comparison with its sentence filled in."""
    return replace(c, sentence=f"{_head(c)}: {_numbers(c)}{_tail(c)}")


def effect_words(effect: float) -> str:
    """An effect size and what it is called.

    >>> effect_words(0.61), effect_words(-2.0)
    ('0.61 (medium)', '-2.00 (large)')
    """
    if math.isnan(effect):
        return "unknown (one seed)"
    if math.isinf(effect):
        return "beyond measure (all seeds differ alike)"
    name = next(name for bound, name in _SIZES if abs(effect) < bound)
    return f"{effect:.2f} ({name})"


def share_words(share: float) -> str:
    """A share in percent.

    >>> share_words(0.9), share_words(0.625)
    ('90 %', '62.5 %')
    """
    percent = round(100 * share, 1)
    return f"{percent:.0f} %" if percent == round(percent) else f"{percent} %"


def _head(c: StudyComparison) -> str:
    if c.judgement == "inconclusive":
        return f"{c.after} against {c.before} is inconclusive"
    return f"{c.after} is {c.judgement} than {c.before}"


def _numbers(c: StudyComparison) -> str:
    words = comparison_words(c.comparison, (f"of {c.before}", f"of {c.after}"))
    if c.family > 1:
        words += f" ({p_words(c.holm_p)} after Holm's correction over {c.family} comparisons)"
    return (
        f"{words}, Wilcoxon {p_words(c.wilcoxon_p)}, effect size "
        f"{effect_words(c.comparison.effect_size)}, better on a seed with probability "
        f"{share_words(c.comparison.superiority)}"
    )


def _tail(c: StudyComparison) -> str:
    if c.judgement == "inconclusive":
        return f"; {c.power}" if c.power else ""
    level = 1 - c.comparison.confidence
    if c.wilcoxon_holm_p >= level:
        return "; the ranks alone do not show it (Wilcoxon, after Holm's correction)"
    return ""
