"""Frozen value types, protocols and the exception tree. Standard library only."""

from torchclinic.core.applied_change import AppliedChange
from torchclinic.core.averaging import Averaging
from torchclinic.core.early_stopping import EarlyStopping
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
    BreakFacts,
    Case,
    InputFacts,
    LabelFacts,
    LayerFacts,
    LayerReadings,
    LossFacts,
    ModelFacts,
    NormFacts,
    OneBatchFacts,
    OptimizerFacts,
    OutputFacts,
    PartFacts,
    PredictionFacts,
    RateTrialFacts,
    ReachFacts,
    RecipeFacts,
    RowFacts,
    TargetFacts,
)
from torchclinic.core.finding import Diagnosis, Evidence, Finding, Level, Stage
from torchclinic.core.history import Evaluation, History, Run
from torchclinic.core.lr_range import LRRange
from torchclinic.core.metric import Metric
from torchclinic.core.penalty import Penalty
from torchclinic.core.recipe import Recipe
from torchclinic.core.registry import Registry
from torchclinic.core.remedy import Applicability, Change, NotApplicable, Remedy
from torchclinic.core.repair import ArmResult, Cost, Repair
from torchclinic.core.schedule import Schedule
from torchclinic.core.splits import Splits
from torchclinic.core.study import (
    StudyArm,
    StudyBest,
    StudyComparison,
    StudyCurve,
    StudyResult,
    StudyRow,
    StudyRun,
)
from torchclinic.core.trace import Series, Trace, TracedLayer, WatchCost
from torchclinic.core.verdict import Outcome, PairedComparison, Verdict

__all__ = [
    "Applicability",
    "AppliedChange",
    "ArmResult",
    "Averaging",
    "BatchFacts",
    "BreakFacts",
    "Case",
    "Change",
    "CheckpointError",
    "Cost",
    "DataError",
    "Diagnosis",
    "EarlyStopping",
    "Evaluation",
    "Evidence",
    "Finding",
    "History",
    "InputFacts",
    "LRRange",
    "LabelFacts",
    "LayerFacts",
    "LayerReadings",
    "Level",
    "LossError",
    "LossFacts",
    "Metric",
    "ModelError",
    "ModelFacts",
    "NormFacts",
    "NotApplicable",
    "OneBatchFacts",
    "OptimizerFacts",
    "Outcome",
    "OutputError",
    "OutputFacts",
    "PairedComparison",
    "PartFacts",
    "Penalty",
    "PredictionFacts",
    "RateTrialFacts",
    "ReachFacts",
    "Recipe",
    "RecipeError",
    "RecipeFacts",
    "Registry",
    "RegistryError",
    "Remedy",
    "Repair",
    "RowFacts",
    "Run",
    "Schedule",
    "Series",
    "Splits",
    "Stage",
    "StudyArm",
    "StudyBest",
    "StudyComparison",
    "StudyCurve",
    "StudyResult",
    "StudyRow",
    "StudyRun",
    "SurgeryError",
    "TargetFacts",
    "TorchclinicError",
    "Trace",
    "TraceError",
    "TracedLayer",
    "TrainingError",
    "UsageError",
    "Verdict",
    "WatchCost",
]
