"""What a model knows of rows that it has not seen, and what their neighbours tell."""

from __future__ import annotations

from torchclinic.core.facts import BatchFacts, Case, PredictionFacts
from torchclinic.functional.expected_loss import majority_share
from torchclinic.functional.skill import metric_skill, rescale
from torchclinic.rules import thresholds as t
from torchclinic.rules.gaps import generalisation_gap
from torchclinic.rules.grading import state_of


def lacking(case: Case) -> float | None:
    """By how much the neighbours know more, on the model's own rows as well; None if they do not.

    >>> lacking(Case()) is None
    True
    """
    known, skill = known_by_neighbours(case), skill_of(case)
    if known is None or skill is None:
        return None
    gap, own = known - skill, metric_skill(case, "train")
    learnt_by_heart = own is not None and known - own < gap / 3
    return gap if gap > t.UNDERFIT_NEIGHBOURS and not learnt_by_heart else None


def memorises(case: Case) -> bool:
    """Whether next to nothing of what it learns holds for other rows.

    >>> memorises(Case())
    False
    """
    unseen = state_of(case).validation_removed
    return unseen is not None and unseen < t.LEARNING.begun


def as_good_as_neighbours(case: Case) -> bool:
    """On rows not seen it does no worse than a row's neighbours, who do not know all either.

    Then it is the labels that are short, not the model: rows with nearly the same inputs and
    different labels cannot be learnt by heart, and need not.
    """
    known, skill = known_by_neighbours(case), skill_of(case)
    return known is not None and skill is not None and known < t.NEIGHBOURS_KNOW and skill >= known


def known_by_neighbours(case: Case) -> float | None:
    """What the nearest neighbours know, 0 for nothing and 1 for all."""
    labels = case.batch.labels if case.batch is not None else None
    if labels is None or labels.likeness is None or labels.chance is None:
        return None
    if case.recipe is not None and case.recipe.task == "regression":
        return labels.likeness * abs(labels.likeness)
    return rescale(labels.likeness, labels.chance)


def skill_of(case: Case) -> float | None:
    """What the model knows of rows that it has not seen."""
    if case.predictions is not None and case.batch is not None:
        return answered(case.predictions, case.batch)
    skill, recipe = metric_skill(case, "validation"), case.recipe
    if skill is None and recipe is not None and recipe.loss_kind == "mse":
        # a step may ask for something else than the targets beside which its inputs stand
        return None if recipe.custom_step else state_of(case).validation_removed
    return skill


def stays_behind(case: Case) -> bool:
    """Whether a model that learns knows little of the validation rows, and less than of its own.

    >>> stays_behind(Case())
    False
    """
    state, skill = state_of(case), skill_of(case)
    learns = (state.removed or 0.0) > t.LABEL_MEMORY
    behind = generalisation_gap(state) > t.SHIFT_IMPACT
    return learns and behind and (skill is None or skill < t.FOREIGN_SKILL)


def answered(found: PredictionFacts, batch: BatchFacts) -> float | None:
    """Rows recognised beyond the largest class, or classes beyond chance, whichever is more.

    A training that weighs classes gives up rows of the common ones, and means to.
    """
    counts = batch.targets.class_counts or found.counts
    right = sum(found.recalls[label] * count for label, count in found.counts.items())
    base = majority_share(counts.values())
    if not found.rows or base >= 1:
        return None
    balanced = sum(found.recalls.values()) / len(found.recalls)
    by_rows, by_classes = rescale(right / found.rows, base), 0.0
    if len(found.recalls) > 1:
        by_classes = rescale(balanced, 1 / len(found.recalls))
    return max(by_rows, by_classes)
