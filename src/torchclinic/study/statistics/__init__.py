"""Paired statistics: from two scores a seed to what may honestly be said of them."""

from torchclinic.study.statistics.bootstrap import bca_interval
from torchclinic.study.statistics.effect import effect_size, superiority
from torchclinic.study.statistics.holm import holm
from torchclinic.study.statistics.interval import mean_interval
from torchclinic.study.statistics.paired import paired_comparison
from torchclinic.study.statistics.power import (
    detectable_effect,
    fewest_seeds,
    seeds_needed,
)
from torchclinic.study.statistics.sign_flip import sign_flip_p
from torchclinic.study.statistics.wilcoxon import wilcoxon_p

__all__ = [
    "bca_interval",
    "detectable_effect",
    "effect_size",
    "fewest_seeds",
    "holm",
    "mean_interval",
    "paired_comparison",
    "seeds_needed",
    "sign_flip_p",
    "superiority",
    "wilcoxon_p",
]
