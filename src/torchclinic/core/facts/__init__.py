"""Facts: what is known of a training before and while it runs. Rules read nothing else."""

from torchclinic.core.facts.afterwards import (
    BreakFacts,
    FewerRowsFacts,
    HalfTrialFacts,
    PredictionFacts,
    RateTrialFacts,
)
from torchclinic.core.facts.answers import AgreementFacts, CollapseFacts, CommonestFacts
from torchclinic.core.facts.case import Case
from torchclinic.core.facts.data import InputFacts, LabelFacts, PartFacts, RowFacts, TargetFacts
from torchclinic.core.facts.first_batch import (
    BatchFacts,
    LayerReadings,
    LossFacts,
    OneBatchFacts,
    OutputFacts,
    ReachFacts,
)
from torchclinic.core.facts.kinds import LossKind, Task
from torchclinic.core.facts.model import LayerFacts, ModelFacts, NormFacts, OptimizerFacts
from torchclinic.core.facts.recipe import RecipeFacts
from torchclinic.core.facts.start import (
    AttentionFacts,
    EmbeddingFacts,
    RecurrentFacts,
    StartFacts,
)
from torchclinic.core.facts.wiring import ChanceFacts, CutFacts, MeetingFacts, RegroupFacts

__all__ = [
    "AgreementFacts",
    "AttentionFacts",
    "BatchFacts",
    "BreakFacts",
    "Case",
    "ChanceFacts",
    "CollapseFacts",
    "CommonestFacts",
    "CutFacts",
    "EmbeddingFacts",
    "FewerRowsFacts",
    "HalfTrialFacts",
    "InputFacts",
    "LabelFacts",
    "LayerFacts",
    "LayerReadings",
    "LossFacts",
    "LossKind",
    "MeetingFacts",
    "ModelFacts",
    "NormFacts",
    "OneBatchFacts",
    "OptimizerFacts",
    "OutputFacts",
    "PartFacts",
    "PredictionFacts",
    "RateTrialFacts",
    "ReachFacts",
    "RecipeFacts",
    "RecurrentFacts",
    "RegroupFacts",
    "RowFacts",
    "StartFacts",
    "TargetFacts",
    "Task",
]
