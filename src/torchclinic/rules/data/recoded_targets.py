"""DAT110: targets that mean something else in validation than in training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torchclinic.core.facts import BatchFacts, Case, PartFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.functional.recoding import Recoding, recoding
from torchclinic.functional.skill import rescale
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, fact
from torchclinic.rules.gaps import generalisation_gap
from torchclinic.rules.grading import state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number

FEWEST_CLASSES = 3  # where only the model is asked: a model may well be wrong on two


@register
class RecodedTargets(Rule):
    """Validation targets are coded differently from those of the training part.

    ## What it does
    Asks each validation row's nearest training rows for its class. Where they say k and the row
    is labelled m, for nearly all rows and several classes, the classes go under other numbers
    there. The trained model's answers are read in the same way. For numbers it asks whether
    neighbours order the validation targets rightly and miss their values all the same.

    ## Why is this bad?
    The model is right and is counted as wrong: the validation loss rises while the training loss
    falls, which looks like overfitting. Early stopping and every choice made by validation go
    wrong with it.

    ## Known problems
    Neighbours are only asked where they know the training part's targets, and where both parts
    have alike inputs. A class that the training part lacks altogether is no new number (DAT109).

    ## Example
    `train_y = labels - 1; validation_y = labels  # or log(price) in one part only`

    ## Use instead
    `number = {name: i for i, name in enumerate(sorted(set(names)))}  # one table for all parts`

    ## References
    Breck et al. 2019, "Data Validation for Machine Learning" (schema shared by all parts); Cover
    and Hart 1967 (nearest neighbours); McNemar 1947.
    """

    code = "DAT110"
    name = "recoded-targets"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.DATA
    needs = frozenset({"batch"})
    explains = (
        *("DAT103", "DAT106", "DAT108", "DAT109", "DAT113", "DAT119"),
        *LEARNING_CURVES,
        "CRV103",
    )
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """At most one finding: renumbered classes, or numbers in another unit."""
        assert case.batch is not None
        parts = case.batch.parts
        if parts is None:
            return
        if parts.train_classes:
            found, who = _renumbered(case, parts)
            if found is not None:
                yield self._classes(found, who, len(parts.train_classes))
        elif parts.value_relation is not None:
            yield from self._values(case, case.batch, parts)

    def _classes(self, found: Recoding, who: str, classes: int) -> Finding:
        pairs = ", ".join(f"{a} is {b}" for a, b in found.moves[:4])
        more = f" and {len(found.moves) - 4} more" if len(found.moves) > 4 else ""
        steps = [b - a for a, b in found.moves]
        around = {step % classes for step in steps}
        by = ""
        if len(set(steps)) == 1 or (len(around) == 1 and classes > FEWEST_CLASSES):
            by = f" All are shifted by {min(steps, key=abs):+d}."  # the others go around
        return self.finding(
            Level.ERROR,
            f"classes have other numbers in validation: {pairs}{more}",
            f"{who} take {found.moved + found.kept:,} validation rows for {len(found.moves)} "
            f"classes that are labelled otherwise there: {found.moved:,} of these rows carry one "
            f"other number each ({pairs}{more}), {found.kept:,} the same.{by} Number the classes "
            "of all parts by one table.",
            (
                above("rows renumbered against rows kept", found.z, t.RECODED_Z, "std"),
                fact("rows that the renumbering explains", found.moved),
                fact("rows of these classes with the same number", found.kept),
            ),
            confidence=0.95,
        )

    def _values(self, case: Case, batch: BatchFacts, parts: PartFacts) -> Iterable[Finding]:
        labels, relation = batch.labels, parts.value_relation
        if labels is None or (labels.likeness or 0.0) < t.NEIGHBOURS_OWN or relation is None:
            return
        opposite = relation < -t.NEIGHBOURS_OWN
        if abs(relation) < t.NEIGHBOURS_OWN or not _alike_inputs(batch, parts):
            return
        if not opposite and not _elsewhere(parts):
            return
        clear = opposite or (parts.value_miss or 0.0) > t.TARGET_MISS * (parts.value_miss_own or 0)
        if not clear and generalisation_gap(state_of(case)) <= t.SHIFT_IMPACT:
            return
        ours, theirs = parts.train_targets, parts.validation_targets
        assert ours is not None
        assert theirs is not None
        sign = "with the opposite sign" if opposite else "on another scale"
        own, miss = parts.value_miss_own or 0.0, parts.value_miss or 0.0
        yield self.finding(
            Level.ERROR if clear else Level.WARNING,
            f"validation targets are {sign}: {number(theirs[0])} to {number(theirs[2])}, "
            f"training {number(ours[0])} to {number(ours[2])}",
            "Inputs of both parts are alike, and the targets of a validation row's nearest "
            f"training rows rank the validation targets (correlation {number(relation, 2)}), yet "
            f"they miss their values by {number(miss)} in the middle, those of training by "
            f"{number(own)}. Training targets run from {number(ours[0])} to {number(ours[2])}, "
            f"validation targets from {number(theirs[0])} to {number(theirs[2])}: one part went "
            "through a transform (a logarithm, a scaling, a unit) that the other missed.",
            (
                above("neighbours' error, validation over training", miss / own, t.TARGET_MISS)
                if own > 0 and miss / own > t.TARGET_MISS
                else fact("neighbours' error in validation", miss),
                fact("rank correlation with neighbours' targets", relation),
                fact("distance of the targets' distributions", parts.target_distance or 0.0),
            ),
            confidence=0.9,
        )


def _renumbered(case: Case, parts: PartFacts) -> tuple[Recoding | None, str]:
    if _neighbours_know(case, parts):
        found = _clear(parts.confusion, parts)
        if found is not None:
            return found, "The nearest training rows"
    if case.predictions is None or len(parts.train_classes) < FEWEST_CLASSES:
        return None, ""
    state = state_of(case)
    if (state.removed or 0.0) < t.NEIGHBOURS_OWN:
        return None, ""
    return _clear(case.predictions.confusion, parts), "The trained model's answers"


def _clear(confusion: Mapping[tuple[int, int], int], parts: PartFacts) -> Recoding | None:
    found = recoding(confusion, parts.train_classes, share=t.RECODED, kept=t.RECODED_KEPT)
    if found is None or found.z <= t.RECODED_Z:
        return None
    return found if _right_after(confusion, found) > t.RECODED_RIGHT else None


def _right_after(confusion: Mapping[tuple[int, int], int], found: Recoding) -> float:
    """Share of all rows that are answered rightly once the classes are renumbered."""
    gone = {said for said, _ in found.moves}
    stay = sum(n for (said, truth), n in confusion.items() if said == truth and said not in gone)
    return (found.moved + stay) / max(sum(confusion.values()), 1)


def _neighbours_know(case: Case, parts: PartFacts) -> bool:
    """Whether a training row's neighbours know its class well enough to be asked elsewhere.

    Where neighbours have other classes as a rule, as with the parity of bits, they say nothing.
    """
    labels = case.batch.labels if case.batch is not None else None
    if labels is None or labels.likeness is None or labels.chance is None or not parts.confusion:
        return False
    return rescale(labels.likeness, labels.chance) > t.NEIGHBOURS_OWN


def _alike_inputs(batch: BatchFacts, parts: PartFacts) -> bool:
    """Whether what neighbours say is distributed alike in both parts, and so the inputs are."""
    apart, targets = parts.said_distance, parts.target_distance
    if apart is None or targets is None or (batch.inputs.shift or 0.0) > t.SHIFT:
        return False
    return apart < t.TARGET_DISTANCE and (apart < targets / 2 or targets < t.TARGET_DISTANCE)


def _elsewhere(parts: PartFacts) -> bool:
    """Whether the targets themselves are distributed otherwise, and neighbours miss them."""
    distance, chance = parts.target_distance or 0.0, parts.target_chance
    own, miss = parts.value_miss_own or 0.0, parts.value_miss or 0.0
    differs = distance > t.TARGET_DISTANCE and chance is not None and chance < t.TARGET_CHANCE
    return differs and own > 0 and miss > t.TARGET_MISSED * own
