"""What the best constant prediction costs, and below which loss the model cannot get."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torchclinic.clinic.preflight.loss.identifying import REPRODUCES, reproduces
from torchclinic.clinic.preflight.observing import Observation
from torchclinic.core.facts import OutputFacts, TargetFacts
from torchclinic.core.recipe import Recipe
from torchclinic.functional.expected_loss import label_entropy, sigmoid_floor, softmax_floor
from torchclinic.training.loss_kind import is_torch_loss

SMALLEST_SHARE = 1e-8  # of a class that the sample lacks
QUANTILES = (0.25, 0.4, 0.5, 0.6, 0.75)  # where the best constant of a robust loss may lie


def expected_loss(recipe: Recipe, seen: Observation, targets: TargetFacts) -> float | None:
    """Loss of the best constant prediction, by the recipe's own loss where it takes one.

    Weights, smoothing and reduction of the loss then count as they do in the training. A loss
    that comes out negative has its sign flipped and says nothing: the plain formula stands in.
    Nothing is known of a hand-written loss or step that has more in it than what is compared
    here: it shows when output and target alone do not give the loss that was measured.

    Args:
        recipe: Has the loss.
        seen: A pass over the sample.
        targets: Facts about its targets.
    """
    output, target = seen.output, seen.target
    if output is None or target is None or targets.mean is None or targets.nonfinite:
        return None
    plain, constants = _best_constants(seen, output, target, targets)
    if not is_torch_loss(recipe.loss):
        constants = constants if _own_loss_is_all(recipe, seen, output, target) else []
        plain = plain if _plain_loss_is_all(seen, output, target) else None
    if recipe.loss is None:
        return plain
    losses = [_loss_of(recipe, constant, output, target) for constant in constants]
    known = [loss for loss in losses if loss is not None and math.isfinite(loss) and loss >= 0]
    return min(known) if known else plain


def _plain_loss_is_all(seen: Observation, output: Tensor, target: Tensor) -> bool:
    """Whether the plain loss of that kind is the measured loss."""
    measured = None if seen.loss is None else float(seen.loss.detach())
    return measured is not None and reproduces(seen.kind, output, target, measured)


def _own_loss_is_all(recipe: Recipe, seen: Observation, output: Tensor, target: Tensor) -> bool:
    """Whether the recipe's loss of output and target is the measured loss."""
    if recipe.loss is None or seen.loss is None:
        return False
    again = _loss_of(recipe, output.detach(), output, target)
    return again is not None and math.isclose(again, float(seen.loss.detach()), rel_tol=REPRODUCES)


def floor_loss(seen: Observation, outputs: OutputFacts | None, targets: TargetFacts) -> float:
    """Smallest loss that the model can reach, given the activation at its output."""
    if outputs is None:
        return 0.0
    if seen.kind == "cross-entropy" and outputs.rows_sum_to_one:
        return softmax_floor(outputs.shape[1])
    bounded = outputs.in_unit_interval and seen.forward_map.output_activation == "sigmoid"
    if seen.kind == "bce-with-logits" and bounded and targets.mean is not None:
        return sigmoid_floor(targets.mean)
    return 0.0


def _best_constants(
    seen: Observation, output: Tensor, target: Tensor, targets: TargetFacts
) -> tuple[float | None, list[Tensor]]:
    """The plain loss of the best constant, and candidates for that constant, one row each."""
    if seen.kind in ("cross-entropy", "nll"):
        return _class_scores(output, target, targets)
    if seen.kind in ("bce", "bce-with-logits"):
        plain, constants = _probabilities(
            target.detach().float(), logits=seen.kind == "bce-with-logits"
        )
    elif seen.kind in ("mse", "l1", "huber"):
        plain, constants = _values(target.detach().float(), seen.kind)
    else:
        return None, []
    return plain, constants if output.shape == target.shape else []


def _class_scores(
    output: Tensor, target: Tensor, targets: TargetFacts
) -> tuple[float | None, list[Tensor]]:
    if output.dim() < 2:
        return None, []
    classes = output.shape[1]
    if target.is_floating_point():  # probabilities of the classes, one row each
        shares = target.detach().float().movedim(1, -1).reshape(-1, classes).mean(0)
    else:
        counts = targets.class_counts
        if not counts or min(counts) < 0 or max(counts) >= classes:
            return None, []
        shares = torch.zeros(classes, device=output.device)
        for label, count in counts.items():
            shares[label] = count
    shares = shares.clamp(min=SMALLEST_SHARE * float(shares.sum())) / shares.sum()
    plain = label_entropy([round(1e6 * share) for share in shares.tolist()])
    return plain, [shares.log().reshape(1, -1, *[1] * (output.dim() - 2))]


def _probabilities(target: Tensor, *, logits: bool) -> tuple[float | None, list[Tensor]]:
    if bool((target < 0).any()) or bool((target > 1).any()):
        return None, []
    shares = target.mean(0, keepdim=True) if target.dim() > 1 else target.mean().reshape(1)
    inside = shares.clamp(SMALLEST_SHARE, 1 - 1e-7)
    entropy = -(inside * inside.log() + (1 - inside) * (1 - inside).log())
    return float(entropy.mean()), [inside.logit() if logits else inside]


def _values(target: Tensor, kind: str) -> tuple[float | None, list[Tensor]]:
    rows = target.reshape(len(target), -1) if target.dim() > 1 else target[:, None]
    shape = (1, *target.shape[1:])
    mean = rows.mean(0)
    if kind == "mse":
        return float((rows - mean).square().mean()), [mean.reshape(shape)]
    middles = [rows.quantile(q, dim=0) for q in QUANTILES]
    plain = float((rows - rows.median(0).values).abs().mean())
    return plain, [constant.reshape(shape) for constant in (mean, *middles)]


def _loss_of(recipe: Recipe, constant: Tensor, output: Tensor, target: Tensor) -> float | None:
    assert recipe.loss is not None
    spread = constant.to(output).expand(output.shape).contiguous()
    try:
        with torch.no_grad():
            return float(recipe.loss(spread, target))
    except Exception:  # noqa: BLE001 - a user's loss may refuse what is no output of its model
        return None
