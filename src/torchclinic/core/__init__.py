"""Frozen value types, protocols and the exception tree. Standard library only."""

from torchclinic.core.errors import (
    CheckpointError,
    DataError,
    LossError,
    ModelError,
    OutputError,
    RecipeError,
    RegistryError,
    SurgeryError,
    TorchclinicError,
    TraceError,
    TrainingError,
    UsageError,
)
from torchclinic.core.facts import (
    BatchFacts,
    Case,
    InputFacts,
    LayerFacts,
    LayerReadings,
    ModelFacts,
    OneBatchFacts,
    OptimizerFacts,
    OutputFacts,
    RecipeFacts,
    TargetFacts,
)
from torchclinic.core.finding import Diagnosis, Evidence, Finding, Level, Stage
from torchclinic.core.history import Evaluation, History, Run
from torchclinic.core.lr_range import LRRange
from torchclinic.core.recipe import (
    AppliedChange,
    EarlyStopping,
    Metric,
    Penalty,
    Recipe,
    Schedule,
    Splits,
)
from torchclinic.core.registry import Registry
from torchclinic.core.remedy import Applicability, Change, NotApplicable, Remedy
from torchclinic.core.repair import ArmResult, Cost, Repair
from torchclinic.core.trace import Series, Trace, TracedLayer, WatchCost
from torchclinic.core.verdict import Outcome, PairedComparison, Verdict

__all__ = [name for name in dir() if not name.startswith("_") and name[0].isupper()]
