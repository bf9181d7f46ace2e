"""torchclinic: says why a PyTorch training fails, repairs it, and proves the repair.

Names are imported on first use, so that `import torchclinic` and `torchclinic --help` are quick.

>>> import torchclinic as tc
>>> tc.Recipe.__name__, tc.diagnose.__name__, callable(tc.watch)
('Recipe', 'diagnose', True)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from torchclinic.core import (
    AppliedChange,
    Averaging,
    Diagnosis,
    EarlyStopping,
    Evidence,
    Finding,
    History,
    Level,
    LRRange,
    Metric,
    Outcome,
    Penalty,
    Recipe,
    Repair,
    Run,
    Schedule,
    Splits,
    StudyResult,
    TorchclinicError,
    Trace,
    Verdict,
)
from torchclinic.core.extensions import provide

if TYPE_CHECKING:
    from torchclinic import data, init, nn, optim
    from torchclinic.clinic import diagnose, load_recipe, repair
    from torchclinic.remedies import REMEDIES
    from torchclinic.rules import RULES, explain
    from torchclinic.study import (
        Halving,
        Study,
        TrainingLoop,
        Watched,
        compare,
        grid,
        load_study,
        lr_range_test,
        variants,
    )
    from torchclinic.training import train
    from torchclinic.watch import load_trace, save_trace, watch

__version__ = "0.1.0"

_LAZY = {
    "REMEDIES": "torchclinic.remedies",
    "RULES": "torchclinic.rules",
    "Halving": "torchclinic.study",
    "Study": "torchclinic.study",
    "TrainingLoop": "torchclinic.study",
    "Watched": "torchclinic.study",
    "compare": "torchclinic.study",
    "diagnose": "torchclinic.clinic",
    "explain": "torchclinic.rules",
    "grid": "torchclinic.study",
    "load_recipe": "torchclinic.clinic",
    "load_study": "torchclinic.study",
    "load_trace": "torchclinic.watch",
    "lr_range_test": "torchclinic.study",
    "repair": "torchclinic.clinic",
    "save_trace": "torchclinic.watch",
    "train": "torchclinic.training",
    "variants": "torchclinic.study",
}
_PARTS = ("data", "init", "nn", "optim", "watch")  # `watch` is a part that can be called

# What `core`'s value types offer as methods, and which part does the work.
for _name, _target in {
    "save_trace": "torchclinic.watch:save_trace",
    "preview_schedule": "torchclinic.optim:preview",
    "render_diagnosis_text": "torchclinic.render:render_diagnosis_text",
    "render_diagnosis_html": "torchclinic.render:render_diagnosis_html",
    "diagnosis_to_dict": "torchclinic.render:diagnosis_to_dict",
    "render_repair_text": "torchclinic.render:render_repair_text",
    "render_repair_html": "torchclinic.render:render_repair_html",
    "write_report": "torchclinic.render:write_report",
    "repair_to_dict": "torchclinic.render:repair_to_dict",
    "render_study_text": "torchclinic.render:render_study_text",
    "render_study_html": "torchclinic.render:render_study_html",
    "write_study_report": "torchclinic.render:write_study_report",
    "study_to_dict": "torchclinic.render:study_to_dict",
}.items():
    provide(_name, _target)

__all__ = [
    "REMEDIES",
    "RULES",
    "AppliedChange",
    "Averaging",
    "Diagnosis",
    "EarlyStopping",
    "Evidence",
    "Finding",
    "Halving",
    "History",
    "LRRange",
    "Level",
    "Metric",
    "Outcome",
    "Penalty",
    "Recipe",
    "Repair",
    "Run",
    "Schedule",
    "Splits",
    "Study",
    "StudyResult",
    "TorchclinicError",
    "Trace",
    "TrainingLoop",
    "Verdict",
    "Watched",
    "compare",
    "data",
    "diagnose",
    "explain",
    "grid",
    "init",
    "load_recipe",
    "load_study",
    "load_trace",
    "lr_range_test",
    "nn",
    "optim",
    "repair",
    "save_trace",
    "train",
    "variants",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        value = getattr(import_module(_LAZY[name]), name)
        globals()[name] = value
        return value
    if name in _PARTS:
        return import_module(f"torchclinic.{name}")
    raise AttributeError(f"module 'torchclinic' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
