"""What is known of a recipe before anything is run."""

from __future__ import annotations

from dataclasses import dataclass

from torchclinic.core.facts.kinds import LossKind, Task
from torchclinic.core.facts.model import ModelFacts, OptimizerFacts


@dataclass(frozen=True)
class RecipeFacts:
    """What the Recipe says.

    Attributes:
        first_weights: Share of the first weights that enter an exponential moving average in it
            when the training ends; None without one.
    """

    name: str
    loss: str
    loss_kind: LossKind
    task: Task
    optimizer: OptimizerFacts
    model: ModelFacts
    batch_size: int | None = None
    train_rows: int | None = None
    validation_rows: int | None = None
    steps_per_epoch: int | None = None
    planned_steps: int | None = None
    shuffle: bool = True
    metric: str | None = None
    higher_is_better: bool = True
    schedule: str | None = None
    clip_norm: float | None = None
    penalties: tuple[str, ...] = ()
    early_stopping: bool = False
    custom_step: bool = False
    clip_value: float | None = None
    max_norm: float | None = None
    patience: int | None = None
    min_delta: float = 0.0
    averages: bool = False
    first_weights: float | None = None
