"""What a trained model answers on rows that it was not trained on, class by class."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import Case, PredictionFacts
from torchclinic.core.recipe import Recipe
from torchclinic.data import batch_to, batches
from torchclinic.data.structure import tensors_of
from torchclinic.training import forward, loss_kind, preserved, split_batch
from torchclinic.training.metrics.accuracy import THRESHOLDS

ROWS = 2000
SCORE_LOSSES = ("cross-entropy", "nll")  # their outputs are scores, whatever labels occur


def answers(recipe: Recipe, model: nn.Module | None, case: Case) -> PredictionFacts | None:
    """Counts by class on up to 2,000 validation rows.

    Args:
        recipe: Its validation part is asked about.
        model: Trained, in evaluation mode.
        case: Says what kind of targets they are.

    Returns:
        None where there is no validation part, or targets are not one class a row.
    """
    part = recipe.splits.validation
    targets = None if case.batch is None else case.batch.targets
    if (
        model is None
        or part is None
        or targets is None
        or targets.kind not in ("classes", "binary")
    ):
        return None
    with preserved(), torch.no_grad():
        try:
            sample = batches(part, batch_size=recipe.batch_size).sample(ROWS)
            inputs, wanted = split_batch(batch_to(sample, recipe.device))
            output = next(tensors_of(forward(model, inputs)), None)
        except TorchclinicError:  # the run itself has said so
            return None
    truth = next(tensors_of(wanted), None)
    kind = loss_kind(recipe.loss)
    predicted = None if output is None else _classes(output, kind, len(targets.class_counts))
    if truth is None or predicted is None or predicted.numel() != truth.numel():
        return None
    return _counted(truth.reshape(-1).round().long().cpu(), predicted.reshape(-1).cpu())


def _classes(output: Tensor, kind: Any, classes: int) -> Tensor | None:
    """The class that is answered; None where the outputs are no scores of classes."""
    if output.dim() == 2 and output.shape[1] > 1:
        scores = kind in SCORE_LOSSES or output.shape[1] == classes
        return output.argmax(1) if scores else None
    if output.dim() <= 2 and kind in THRESHOLDS:
        return (output > THRESHOLDS[kind]).long()
    return None


def _counted(truth: Tensor, predicted: Tensor) -> PredictionFacts:
    classes = [int(c) for c in truth.unique()]
    counts = {c: int((truth == c).sum()) for c in classes}
    right = {c: int(((truth == c) & (predicted == c)).sum()) for c in classes}
    taken = {int(c): int((predicted == c).sum()) for c in predicted.unique()}
    recalls = {c: right[c] / counts[c] for c in classes}
    pairs = Counter(zip(predicted.tolist(), truth.tolist(), strict=True))
    return PredictionFacts(len(truth), counts, taken, recalls, dict(pairs))
