"""Arms, pairing, statistics, Verdict, and the LR range test."""

from torchclinic.study.lr_range import Suggested, lr_range_test, suggest
from torchclinic.study.statistics import (
    bca_interval,
    effect_size,
    fewest_seeds,
    holm,
    paired_comparison,
    seeds_needed,
    sign_flip_p,
    superiority,
)
from torchclinic.study.verdict import healthy_verdict, judge_repair
from torchclinic.study.wording import comparison_words

__all__ = [
    "Suggested",
    "bca_interval",
    "comparison_words",
    "effect_size",
    "fewest_seeds",
    "healthy_verdict",
    "holm",
    "judge_repair",
    "lr_range_test",
    "paired_comparison",
    "seeds_needed",
    "sign_flip_p",
    "suggest",
    "superiority",
]
