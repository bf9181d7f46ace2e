"""BatchFacts: what the first rows of the data and a pass over them show."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.clinic.preflight.observing import Observation, observe
from torchclinic.clinic.preflight.readings import LayerReader
from torchclinic.clinic.preflight.sampling import (
    SAMPLE_ROWS,
    finite_rows,
    first_input,
    halves,
    sample_of,
)
from torchclinic.clinic.preflight.tensors import input_facts, output_facts, target_facts
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import BatchFacts, OutputFacts, TargetFacts
from torchclinic.core.recipe import Recipe
from torchclinic.data import batch_to
from torchclinic.data.structure import join_batches, rows_of, take_rows, tensors_of
from torchclinic.functional.expected_loss import label_entropy, sigmoid_floor, softmax_floor
from torchclinic.training import (
    build_model,
    compute_loss,
    forward,
    loss_kind,
    preserved,
    seeded,
    split_batch,
)

CROSSTALK_ROWS = 4
DOUBLED = 1.9  # a loss that grows this much when its batch is doubled is a sum


def batch_facts(recipe: Recipe, seed: int = 0, rows: int = SAMPLE_ROWS) -> BatchFacts:
    """Facts from a forward and backward pass of a fresh model over up to `rows` rows.

    Rows with NaN or infinities are counted, and left out of the pass. When the pass cannot be
    made, what is known of the data alone is returned.

    Args:
        recipe: The recipe.
        seed: Of the model.
        rows: Sample size; silence is only believed on 512 rows or more.

    Raises:
        DataError: When the data cannot be read.
    """
    with preserved():
        sample = sample_of(recipe, recipe.splits.train, rows)
        other = recipe.splits.validation
        validation = None if other is None else first_input(sample_of(recipe, other, rows))
    _, targets = split_batch(sample)
    inputs = input_facts(first_input(sample), validation)
    plain = target_facts(next(tensors_of(targets), None), loss_kind(recipe.loss))
    try:
        return _with_pass(recipe, seed, batch_to(finite_rows(sample), recipe.device), inputs, plain)
    except TorchclinicError:
        return BatchFacts(inputs=inputs, targets=plain)


def _with_pass(
    recipe: Recipe, seed: int, sample: Any, inputs: Any, plain: TargetFacts
) -> BatchFacts:
    model = build_model(recipe, seed).train()
    with seeded(seed):
        seen = _observe_largest(recipe, model, sample)
        reader = LayerReader(seen.forward_map)
        model.zero_grad(set_to_none=True)
        again = observe(recipe, model, _fitting(sample, seen), reader.on_output)
        if again.loss.requires_grad:
            again.loss.backward()
        layers = reader.result()
        targets = target_facts(seen.target, seen.kind) if seen.target is not None else plain
        targets = targets if targets.kind != "none" else plain
        outputs = output_facts(seen.output, seen.target)
        return BatchFacts(
            inputs=inputs,
            targets=targets,
            outputs=outputs,
            layers=layers,
            initial_loss=float(seen.loss.detach()),
            expected_loss=_expected_loss(recipe, seen, targets),
            floor_loss=_floor(seen, outputs, targets),
            without_gradient=_without_gradient(recipe, model, sample),
            batch_crosstalk=_crosstalk(model, sample),
            sum_reduction=_sums(recipe, model, sample),
        )


def _observe_largest(recipe: Recipe, model: nn.Module, sample: Any) -> Observation:
    """On all rows; on one batch's worth where the model takes no more."""
    try:
        return observe(recipe, model, sample)
    except TorchclinicError:
        rows, size = rows_of(sample), recipe.batch_size
        if rows is None or size is None or rows <= size:
            raise
        return observe(recipe, model, take_rows(sample, torch.arange(size)))


def _fitting(sample: Any, seen: Observation) -> Any:
    """As many rows of the sample as the first pass went over."""
    rows, used = rows_of(sample), None if seen.target is None else len(seen.target)
    if rows is None or used is None or used >= rows:
        return sample
    return take_rows(sample, torch.arange(used))


def _expected_loss(recipe: Recipe, seen: Observation, targets: TargetFacts) -> float | None:
    """Loss of the best constant prediction."""
    if targets.kind == "none" or targets.mean is None or targets.std is None:
        return None
    if seen.kind in ("cross-entropy", "nll"):
        return _constant_scores(recipe, seen, targets)
    if seen.kind in ("bce", "bce-with-logits"):
        share = min(max(targets.mean, 0.0), 1.0)
        return label_entropy([round(1e6 * share), round(1e6 * (1 - share))])
    if seen.kind == "mse":
        return targets.std**2
    if seen.kind == "l1" and seen.target is not None:
        values = seen.target.detach().float()
        return float((values - values.median()).abs().mean())
    return None


def _constant_scores(recipe: Recipe, seen: Observation, targets: TargetFacts) -> float | None:
    """The recipe's own loss (weights, smoothing and all) on the log-shares of the classes."""
    counts = targets.class_counts
    output = seen.output
    if not counts or output is None or output.dim() < 2 or min(counts) < 0:
        return None
    classes = output.shape[1]
    if max(counts) >= classes:
        return None
    shares = torch.full((classes,), 1e-8)
    for label, count in counts.items():
        shares[label] = count
    scores = (shares / shares.sum()).log().to(output.device)
    shaped = scores.reshape(1, -1, *[1] * (output.dim() - 2)).expand(output.shape)
    if recipe.loss is None or seen.target is None:
        return label_entropy(counts.values())
    try:
        return float(recipe.loss(shaped.contiguous(), seen.target))
    except Exception:  # noqa: BLE001 - a user's loss may refuse what is no output of its model
        return label_entropy(counts.values())


def _floor(seen: Observation, outputs: OutputFacts | None, targets: TargetFacts) -> float:
    if outputs is None:
        return 0.0
    if seen.kind == "cross-entropy" and outputs.rows_sum_to_one:
        return softmax_floor(outputs.shape[1])
    bounded = outputs.in_unit_interval and seen.forward_map.output_activation == "sigmoid"
    if seen.kind == "bce-with-logits" and bounded and targets.mean is not None:
        return sigmoid_floor(targets.mean)
    return 0.0


def _without_gradient(recipe: Recipe, model: nn.Module, sample: Any) -> tuple[str, ...]:
    """Trainable parameters that get no gradient on either half of the rows."""
    moved: set[str] = set()
    for half in halves(sample):
        model.zero_grad(set_to_none=True)
        loss, _ = compute_loss(recipe, model, half)
        if not loss.requires_grad:
            continue
        loss.backward()
        moved |= {
            name
            for name, parameter in model.named_parameters()
            if parameter.grad is not None and bool((parameter.grad != 0).any())
        }
    model.zero_grad(set_to_none=True)
    return tuple(
        name for name, p in model.named_parameters() if p.requires_grad and name not in moved
    )


def _crosstalk(model: nn.Module, sample: Any) -> bool | None:
    """Whether a row's output depends on other rows' inputs, in evaluation mode."""
    inputs, _ = split_batch(sample)
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point():
        return None
    if len(inputs) < CROSSTALK_ROWS:
        return None
    rows = inputs[:CROSSTALK_ROWS].detach().clone().requires_grad_()
    model.eval()
    try:
        output = next(tensors_of(forward(model, rows)), None)
        if output is None or output.dim() == 0 or len(output) != CROSSTALK_ROWS:
            return None
        if not output.requires_grad:
            return None
        gradient = torch.autograd.grad(output[1].float().sum(), rows, allow_unused=True)[0]
    except (TorchclinicError, RuntimeError):
        return None
    finally:
        model.train()
    if gradient is None:
        return None
    others = [index for index in range(CROSSTALK_ROWS) if index != 1]
    return bool((gradient[others] != 0).any())


def _sums(recipe: Recipe, model: nn.Module, sample: Any) -> bool | None:
    """Whether the loss doubles when its batch is doubled."""
    model.eval()
    try:
        with torch.no_grad():
            one, _ = compute_loss(recipe, model, sample)
            two, _ = compute_loss(recipe, model, join_batches([sample, sample]))
    except (TorchclinicError, RuntimeError):
        return None
    finally:
        model.train()
    if not float(one) > 0:
        return None
    return float(two) / float(one) > DOUBLED
