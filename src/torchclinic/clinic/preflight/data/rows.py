"""RowFacts: what the training rows are like, one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from torchclinic.clinic.preflight.data.extremes import Extreme, extreme_values
from torchclinic.clinic.preflight.data.rereading import reread
from torchclinic.clinic.preflight.sampling import first_input, sample_of
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import RowFacts, TargetFacts
from torchclinic.core.recipe import Recipe
from torchclinic.data.batches import in_memory
from torchclinic.data.structure import tensors_of
from torchclinic.training import preserved, split_batch

ROWS = 1500
VALIDATION_ROWS = 256
MOST_NUMBERS = 2**22  # that are sorted or summed
_CLASSES = ("classes", "binary")


def row_facts(recipe: Recipe, targets: TargetFacts, sample: Any = None) -> RowFacts | None:
    """Facts from up to 1,500 training rows, and from a few of them read again.

    Args:
        recipe: Its training part is looked at.
        targets: What kind of targets they are.
        sample: The rows, where the caller has drawn them already.

    Returns:
        None where the rows have no inputs that can be compared.
    """
    if sample is None:
        with preserved():
            sample = sample_of(recipe, recipe.splits.train, ROWS)
    inputs, labels = first_input(sample), _targets_of(sample)
    if inputs is None or inputs.dim() == 0 or not len(inputs) or inputs.is_complex():
        return None
    facts = _repeated(inputs, labels if targets.kind in _CLASSES else None)
    facts = _read_again(facts, recipe)
    if targets.kind != "real":
        return facts
    values = _all_targets(recipe.splits.train)
    found = extreme_values(labels if values is None else values)
    return facts if found is None else _with_extreme(facts, found)


def _targets_of(sample: Any) -> Tensor | None:
    target = next(tensors_of(split_batch(sample)[1]), None)
    one = target is not None and target.dim() > 0 and target.numel() == len(target)
    return target.detach().cpu().reshape(-1) if target is not None and one else None


def _all_targets(part: Any) -> Tensor | None:
    """Targets of data in memory, one a row; None for other data."""
    held = in_memory(part)
    return None if held is None else _targets_of(_as_tensors(held))


def _as_tensors(held: Any) -> Any:
    inputs, targets = split_batch(held)
    return inputs, None if targets is None else torch.as_tensor(targets)


def _repeated(inputs: Tensor, labels: Tensor | None) -> RowFacts:
    """How many rows are the same, and what that leaves to be known of their classes."""
    rows = inputs.detach().cpu().reshape(len(inputs), -1)
    group, counts = _groups(rows)
    facts = RowFacts(
        rows=len(rows),
        distinct=len(counts),
        commonest=float(counts.max()) / len(rows),
        repeated=float((counts[group] > 1).double().mean()),
        elements=rows.shape[1],
        values=int(rows[: max(1, MOST_NUMBERS // max(rows.shape[1], 1))].unique().numel()),
        coded=_same_sums(rows),
    )
    if labels is None or len(labels) != len(rows):
        return facts
    by_input: dict[int, Counter[int]] = defaultdict(Counter)
    classes = labels.double().round().long().tolist()
    for place, label in zip(group.tolist(), classes, strict=True):
        by_input[place][label] += 1
    right = sum(max(found.values()) for found in by_input.values())
    base = max(Counter(classes).values())
    return replace(facts, ceiling=right / len(rows), ceiling_base=base / len(rows))


def _same_sums(rows: Tensor) -> bool:
    if rows.numel() > MOST_NUMBERS:
        return False
    sums = rows.double().sum(1)
    return bool((sums - sums[0]).abs().max() <= 1e-6 * (1 + sums.abs().max()))


def _groups(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Number of each row's input among the different ones, and how often each occurs."""
    numbers: dict[bytes, int] = {}
    plain = rows.contiguous().numpy()
    found = [numbers.setdefault(row.tobytes(), len(numbers)) for row in plain]
    group = torch.tensor(found)
    return group, torch.bincount(group)


def _read_again(facts: RowFacts, recipe: Recipe) -> RowFacts:
    found = reread(recipe.splits.train)
    if found is None:
        return facts
    facts = replace(
        facts,
        reread=found.rows,
        sizes=found.sizes,
        noise=found.noise / found.variance if found.variance > 0 else None,
        noise_std=found.noise**0.5,
    )
    part = recipe.splits.validation
    if part is None or not found.noise:
        return facts
    try:
        with preserved():
            other = first_input(sample_of(recipe, part, VALIDATION_ROWS))
    except TorchclinicError:
        return facts
    if other is None or not other.is_floating_point():
        return facts
    return replace(facts, validation_std=float(other.double().std(correction=0)))


def _with_extreme(facts: RowFacts, found: Extreme) -> RowFacts:
    return replace(
        facts,
        extreme=found.value,
        extreme_rows=found.rows,
        extreme_share=found.share,
        extreme_repeats=found.repeats,
        extreme_weight=found.weight,
        bulk=found.bulk,
    )
