"""Arms, pairing, statistics, Verdict, and the LR range test."""

from torchclinic.study.arms import Arm, grid, variants
from torchclinic.study.comparing import (
    Halving,
    StudyBudget,
    StudyInterrupted,
    StudyProgress,
    Watched,
    compare,
    load_study,
)
from torchclinic.study.lr_range import Suggested, TrainingLoop, lr_range_test, suggest
from torchclinic.study.statistics import (
    bca_interval,
    detectable_effect,
    effect_size,
    fewest_seeds,
    holm,
    mean_interval,
    paired_comparison,
    seeds_needed,
    sign_flip_p,
    superiority,
    wilcoxon_p,
)
from torchclinic.study.study import Study
from torchclinic.study.verdict import healthy_verdict, judge_repair
from torchclinic.study.wording import comparison_words

__all__ = [
    "Arm",
    "Halving",
    "Study",
    "StudyBudget",
    "StudyInterrupted",
    "StudyProgress",
    "Suggested",
    "TrainingLoop",
    "Watched",
    "bca_interval",
    "compare",
    "comparison_words",
    "detectable_effect",
    "effect_size",
    "fewest_seeds",
    "grid",
    "healthy_verdict",
    "holm",
    "judge_repair",
    "load_study",
    "lr_range_test",
    "mean_interval",
    "paired_comparison",
    "seeds_needed",
    "sign_flip_p",
    "suggest",
    "superiority",
    "variants",
    "wilcoxon_p",
]
