"""Case: all that the rules may look at."""

from __future__ import annotations

from dataclasses import dataclass

from torchclinic.core.facts.afterwards import (
    BreakFacts,
    FewerRowsFacts,
    HalfTrialFacts,
    PredictionFacts,
    RateTrialFacts,
)
from torchclinic.core.facts.answers import AgreementFacts, CollapseFacts, CommonestFacts
from torchclinic.core.facts.first_batch import BatchFacts, OneBatchFacts, ReachFacts
from torchclinic.core.facts.recipe import RecipeFacts
from torchclinic.core.history import History
from torchclinic.core.lr_range import LRRange
from torchclinic.core.trace import Trace


@dataclass(frozen=True)
class Case:
    """All facts of one training. Rules read it; a part that was not gathered is None.

    Attributes:
        recipe: What the Recipe says.
        batch: What the first rows show.
        one_batch: Whether it can overfit one batch.
        lr_range: The LR range test.
        history: The curves of a run.
        trace: Its readings.
        predictions: What the trained model answers.
        broken: Where the first NaN or infinity of the run comes from.
        trial: The run at another learning rate.
        swapped: The run with a cross-entropy in place of a squared error on probabilities; its
            losses are squared errors.
        longer: The run at its own rate, over several times as many steps.
        halves: The run on one half of the training rows, and what it knows of the other half.
        fewer: The run on every second training row, and on the others.
        reach: What of the inputs the trained outputs hang on.
        agreement: Whether trained outputs follow their targets, and the loss wants them to.
        collapse: Whether trained outputs differ between rows, and the loss wants them to.
        commonest: Whether trained outputs are the commonest target.
        restarted: The run from first weights of a usual scale, where theirs is suspected.
    """

    recipe: RecipeFacts | None = None
    batch: BatchFacts | None = None
    one_batch: OneBatchFacts | None = None
    lr_range: LRRange | None = None
    history: History | None = None
    trace: Trace | None = None
    predictions: PredictionFacts | None = None
    broken: BreakFacts | None = None
    trial: RateTrialFacts | None = None
    longer: RateTrialFacts | None = None
    swapped: RateTrialFacts | None = None
    halves: HalfTrialFacts | None = None
    fewer: tuple[FewerRowsFacts, ...] = ()
    reach: ReachFacts | None = None
    restarted: RateTrialFacts | None = None
    agreement: AgreementFacts | None = None
    collapse: CollapseFacts | None = None
    commonest: CommonestFacts | None = None
