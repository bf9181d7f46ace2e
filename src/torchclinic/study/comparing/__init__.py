"""Many arms over many seeds, and what may be said of them."""

from torchclinic.study.comparing.budget import StudyBudget
from torchclinic.study.comparing.compare import StudyInterrupted, compare, load_study
from torchclinic.study.comparing.halving import Halving
from torchclinic.study.comparing.progress import StudyProgress
from torchclinic.study.comparing.watching import Watched

__all__ = [
    "Halving",
    "StudyBudget",
    "StudyInterrupted",
    "StudyProgress",
    "Watched",
    "compare",
    "load_study",
]
