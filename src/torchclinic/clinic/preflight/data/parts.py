"""PartFacts: how training and validation part stand to each other."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from torchclinic.clinic.preflight.data.columns import Joint, column_order, joint_likeness, leaking
from torchclinic.clinic.preflight.data.neighbours import (
    columns_of,
    majority,
    nearest,
    standardised,
)
from torchclinic.clinic.preflight.data.pictures import changes
from torchclinic.clinic.preflight.data.token_parts import token_likeness
from torchclinic.clinic.preflight.sampling import (
    affordable_rows,
    finite_rows,
    first_input,
    sample_of,
)
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import PartFacts, TargetFacts
from torchclinic.core.recipe import Recipe
from torchclinic.data.batches import in_memory
from torchclinic.data.structure import tensors_of
from torchclinic.training import preserved, split_batch

TRAIN_ROWS, VALIDATION_ROWS = 1500, 600
FEWEST_ROWS = 20  # of either part, below which nothing is compared
FEWEST_NEIGHBOURS = 60  # training rows from which neighbours are asked
MOST_CLASSES = 1000
REPAIRED = 0.7  # of what neighbours know less, that a change of the pictures brings back
FOREIGN = 0.2  # that neighbours know less of validation rows: another order is looked for
_CLASSES = ("classes", "binary")


def part_facts(recipe: Recipe, targets: TargetFacts, train: Any = None) -> PartFacts | None:
    """Facts from up to 1,500 training and 600 validation rows.

    Args:
        recipe: Its training and validation parts are compared.
        targets: What kind of targets they are.
        train: Training rows, where the caller has drawn them already.

    Returns:
        None without a validation part, or where parts cannot be read or compared.
    """
    other = recipe.splits.validation
    if other is None or targets.kind not in (*_CLASSES, "real"):
        return None
    try:
        with preserved():
            train = sample_of(recipe, recipe.splits.train, TRAIN_ROWS) if train is None else train
            sample = sample_of(recipe, other, affordable_rows(train, VALIDATION_ROWS))
    except TorchclinicError:  # the training itself will say what is wrong with its data
        return None
    ours, theirs = _Rows.of(finite_rows(train)), _Rows.of(finite_rows(sample))
    if ours is None or theirs is None or min(len(ours), len(theirs)) < 2:
        return None
    facts = PartFacts(train_rows=len(ours), validation_rows=len(theirs))
    if targets.kind in _CLASSES:
        facts = _with_counts(facts, recipe, ours, theirs)
    else:
        facts = _with_values(facts, ours.targets, theirs.targets)
    words = _token_parts(train, sample)
    if words:
        return replace(facts, **words)
    if min(len(ours), len(theirs)) < FEWEST_ROWS or not ours.comparable(theirs):
        return facts
    return _with_inputs(facts, ours, theirs, classes=targets.kind in _CLASSES)


def _token_parts(train: Any, sample: Any) -> dict[str, Any]:
    one, other = first_input(train), first_input(sample)
    if one is None or other is None or one.is_floating_point() or one.dtype == torch.uint8:
        return {}
    known = {torch.int8, torch.int16, torch.int32, torch.int64}
    return token_likeness(one, other) if {one.dtype, other.dtype} <= known else {}


class _Rows:
    """Inputs and one target for each of them."""

    def __init__(self, inputs: Tensor | None, targets: Tensor) -> None:
        self.inputs, self.targets = inputs, targets

    def __len__(self) -> int:
        return len(self.targets)

    @classmethod
    def of(cls, batch: Any) -> _Rows | None:
        """From a batch; None unless it has one target a row."""
        target = next(tensors_of(split_batch(batch)[1]), None)
        if target is None or target.dim() == 0 or target.is_complex():
            return None
        if target.numel() != len(target) or not len(target):
            return None
        inputs = _points(first_input(batch), len(target))
        return cls(inputs, target.detach().cpu().reshape(-1).double())

    def comparable(self, other: _Rows) -> bool:
        """Whether the inputs of both are points of one space."""
        if self.inputs is None or other.inputs is None:
            return False
        return self.inputs.shape[1:] == other.inputs.shape[1:] and self.inputs[0].numel() > 0


def _points(inputs: Tensor | None, rows: int) -> Tensor | None:
    """The inputs, where they are numbers or pixels and not token numbers."""
    if inputs is None or inputs.dim() == 0 or len(inputs) != rows:
        return None
    pixels = inputs.dtype == torch.uint8 and inputs.dim() > 2
    return inputs if inputs.is_floating_point() or pixels else None


def _with_counts(facts: PartFacts, recipe: Recipe, ours: _Rows, theirs: _Rows) -> PartFacts:
    parts = (recipe.splits.train, ours), (recipe.splits.validation, theirs)
    counts = [_counted(part, rows.targets) for part, rows in parts]
    if not all(counts) or any(len(found) > MOST_CLASSES for found in counts):
        return facts
    return replace(facts, train_classes=counts[0], validation_classes=counts[1])


def _counted(part: Any, sampled: Tensor) -> dict[int, int]:
    """Rows by class: of all rows in memory, of a sample spread over rows that are indexed."""
    held = in_memory(part)
    if held is not None:
        target = next(tensors_of(split_batch(held)[1]), None)
        whole = sampled if target is None else torch.as_tensor(target).detach().cpu().double()
        return _tally(whole.reshape(-1))
    source = part.dataset if isinstance(part, DataLoader) else part
    indexed = isinstance(source, Dataset) and not isinstance(source, IterableDataset)
    return _tally(sampled) if indexed else {}


def _tally(labels: Tensor) -> dict[int, int]:
    finite = labels[labels.isfinite()]
    values, counts = finite.round().long().unique(return_counts=True)
    return {int(v): int(n) for v, n in zip(values, counts, strict=True) if v >= 0}


def _with_values(facts: PartFacts, ours: Tensor, theirs: Tensor) -> PartFacts:
    low, high = float(ours.min()), float(ours.max())
    distance = smirnov(ours, theirs)
    return replace(
        facts,
        train_targets=(low, float(ours.mean()), high),
        validation_targets=(float(theirs.min()), float(theirs.mean()), float(theirs.max())),
        outside=float(((theirs < low) | (theirs > high)).double().mean()),
        target_distance=distance,
        target_chance=by_chance(distance, len(ours), len(theirs)),
    )


def _with_inputs(facts: PartFacts, ours: _Rows, theirs: _Rows, *, classes: bool) -> PartFacts:
    assert ours.inputs is not None
    assert theirs.inputs is not None
    mine, other = columns_of(ours.inputs), columns_of(theirs.inputs)
    leaks = leaking(mine, ours.targets, other, theirs.targets, classes=classes)
    facts = replace(facts, columns=mine.shape[1], **leaks)
    likeness = joint_likeness(mine, other)
    if likeness is not None:
        facts = replace(
            facts,
            joint=likeness.likeness,
            joint_chance=likeness.chance,
            joint_z=likeness.z,
            joint_gap=likeness.gap,
        )
    if len(ours) < FEWEST_NEIGHBOURS:
        return facts
    facts = replace(facts, **_asked(mine, ours.targets, other, theirs.targets, classes=classes))
    if not (_foreign(facts) or (likeness is not None and _unlike(likeness))):
        return facts
    if classes and _foreign(facts):
        facts = _with_change(facts, ours, theirs)
        if facts.repair:
            return facts
    found = column_order(mine, ours.targets, other, theirs.targets, classes=classes)
    if found is None:
        return facts
    placed = torch.empty_like(other)
    placed[:, found] = other
    again = joint_likeness(mine, placed)
    asked = _asked(mine, ours.targets, placed, theirs.targets, classes=classes)
    after = asked.get("agreement", asked.get("value_relation"))
    before = _known(facts)
    if after is None or before is None or after - before < REPAIRED * _lost(facts):
        return facts
    return replace(
        facts,
        order=tuple(found.tolist()),
        order_joint=None if again is None else again.likeness,
        order_agreement=after,
    )


def _unlike(found: Joint) -> bool:
    """Whether it is worth while to look for another order of the columns."""
    return found.chance > 0 and found.likeness < 0.7 * found.chance and found.z > 3


def _known(facts: PartFacts) -> float | None:
    return facts.agreement if facts.agreement is not None else facts.value_relation


def _lost(facts: PartFacts) -> float:
    """What neighbours know less of validation rows than of training rows."""
    own = facts.agreement_own if facts.agreement is not None else facts.value_relation_own
    return max((own or 0.0) - (_known(facts) or 0.0), 0.0)


def _with_change(facts: PartFacts, ours: _Rows, theirs: _Rows) -> PartFacts:
    """With the change of the validation pictures after which neighbours know their classes best."""
    assert ours.inputs is not None
    assert theirs.inputs is not None
    mine = columns_of(ours.inputs)
    best, words = facts.agreement or 0.0, ""
    for said, changed in changes(theirs.inputs, ours.inputs):
        asked = _asked(mine, ours.targets, columns_of(changed), theirs.targets, classes=True)
        if asked.get("agreement", 0.0) > best:
            best, words = asked["agreement"], said
    enough = best - (facts.agreement or 0.0) > REPAIRED * _lost(facts)
    return replace(facts, repair=words, repair_agreement=best) if words and enough else facts


def _foreign(facts: PartFacts) -> bool:
    """Whether neighbours know the training rows' targets, and not the validation rows'."""
    return _lost(facts) > FOREIGN


def _asked(
    mine: Tensor, ours: Tensor, other: Tensor, theirs: Tensor, *, classes: bool
) -> dict[str, Any]:
    """What a validation row's neighbours among the training rows say of its target."""
    rows, points = standardised(mine, other)
    assert points is not None
    if rows.shape[1] == 0:
        return {}
    near, among = nearest(rows, points), nearest(rows)
    if classes:
        labels = ours.round().long()
        own = float((majority(labels[among]) == labels).double().mean())
        asked = _asked_classes(majority(labels[near]), theirs.round().long())
        return {**asked, "agreement_own": own}
    said = ours[near].mean(1)
    own = ours[among].mean(1)
    relation = rank_correlation(said, theirs)
    apart = smirnov(said, own)
    return {
        "said_distance": apart,
        "said_chance": by_chance(apart, len(said), len(own)),
        "value_relation": relation,
        "value_relation_own": rank_correlation(own, ours),
        "agreement_z": relation * math.sqrt(len(theirs) - 1),
        "value_miss": float((said - theirs).abs().median()),
        "value_miss_own": float((own - ours).abs().median()),
    }


def _asked_classes(said: Tensor, truth: Tensor) -> dict[str, Any]:
    pairs = Counter(zip(said.tolist(), truth.tolist(), strict=True))
    right = float((said == truth).double().mean())
    shares = Counter(said.tolist())
    chance = sum(shares[c] * n for c, n in Counter(truth.tolist()).items()) / len(truth) ** 2
    spread = math.sqrt(max(chance * (1 - chance), 1e-12) / len(truth))
    return {"confusion": dict(pairs), "agreement": right, "agreement_z": (right - chance) / spread}


def smirnov(one: Tensor, other: Tensor) -> float:
    r"""Kolmogorov-Smirnov distance $\sup_x |F_1(x) - F_2(x)|$ of two samples.

    >>> smirnov(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 3.0]))
    0.5
    """
    values = torch.cat((one, other)).unique()
    below = torch.searchsorted(one.sort().values, values, right=True).double() / len(one)
    other_below = torch.searchsorted(other.sort().values, values, right=True) / len(other)
    return float((below - other_below).abs().max())


def by_chance(distance: float, one: int, other: int) -> float:
    r"""Bound $2 e^{-2 D^2 nm / (n + m)}$ on the probability of such a distance, at most 1.

    Source: Smirnov 1948; Wei and Dudley 2012, doi 10.1016/j.spl.2011.12.004.

    >>> round(by_chance(0.5, 50, 50), 7)
    7.5e-06
    """
    return min(1.0, 2 * math.exp(-2 * distance**2 * one * other / (one + other)))


def rank_correlation(one: Tensor, other: Tensor) -> float:
    """Spearman's, 0 where one of them does not vary.

    >>> round(rank_correlation(torch.tensor([1.0, 2.0, 9.0]), torch.tensor([1.0, 4.0, 5.0])), 6)
    1.0
    """
    found = torch.corrcoef(torch.stack((_ranks(one), _ranks(other))))[0, 1]
    return float(found) if math.isfinite(float(found)) else 0.0


def _ranks(values: Tensor) -> Tensor:
    """Mean ranks: equal values share theirs."""
    _, group, count = values.unique(return_inverse=True, return_counts=True)
    last = count.cumsum(0).double()
    return (last - (count.double() - 1) / 2)[group]
