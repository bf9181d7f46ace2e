"""The experiments of the specification: one file each, on the public API only.

Each draws its pictures, and checks what the lectures claim against what is measured over seeds.

>>> from torchclinic.gallery import GALLERY
>>> GALLERY["sigmoid-paralysis"].number
1
"""

from torchclinic.gallery.claim import Claim, Judgement
from torchclinic.gallery.experiment import Experiment
from torchclinic.gallery.failure import Failure
from torchclinic.gallery.judging import judge
from torchclinic.gallery.outcome import Animation, Outcome, Picture
from torchclinic.gallery.registry import GALLERY
from torchclinic.gallery.result import Result, read_result
from torchclinic.gallery.run_all import run_all
from torchclinic.gallery.running import run_experiment
from torchclinic.gallery.settings import Settings

__all__ = [
    "GALLERY",
    "Animation",
    "Claim",
    "Experiment",
    "Failure",
    "Judgement",
    "Outcome",
    "Picture",
    "Result",
    "Settings",
    "judge",
    "read_result",
    "run_all",
    "run_experiment",
]
