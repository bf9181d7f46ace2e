"""DAT111: columns that hang together otherwise in validation than in training."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import BatchFacts, Case, PartFacts
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, below, fact
from torchclinic.rules.gaps import generalisation_gap
from torchclinic.rules.grading import state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent

SHOWN = 4  # columns named in a title


@register
class ColumnOrder(Rule):
    """Input columns of validation hang together otherwise, as if they came in another order.

    ## What it does
    Compares how the columns correlate with each other in both parts, against parts drawn at random
    from all rows. Where they differ it looks for an order of the validation columns in which they
    agree again, and in which a row's nearest training rows know its target.

    ## Why is this bad?
    Each column may look the same on its own, so that means and deviations agree, and still the
    model gets age where it expects income. The training loss falls and the validation loss does
    not.

    ## Known problems
    Columns that do not correlate can only be told apart by their distributions and by the target.
    Random augmentation of one part changes correlations and is told by reading rows twice.
    Other rows (later years, another place) correlate otherwise, too: without an order that repairs
    it, it is only a warning where validation stays behind.

    ## Example
    `train = frame[names]; validation = other_frame.values  # other_frame has its own order`

    ## Use instead
    `train, validation = frame[names], other_frame[names]`

    ## References
    Jennrich 1970, doi 10.1080/01621459.1970.10481133 (equality of correlation matrices); Umeyama
    1988, doi 10.1109/34.6778 (matching).
    """

    code = "DAT111"
    name = "column-order"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.DATA
    needs = frozenset({"batch"})
    explains = ("DAT105", "DAT119", "CRV103", *LEARNING_CURVES)
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where the columns hang together otherwise than chance allows."""
        assert case.batch is not None
        parts = case.batch.parts
        if parts is None:
            return
        unlike, repaired = tuple(_unlike(parts)), _repaired(parts)
        gap = generalisation_gap(state_of(case))
        if repaired and parts.order:
            yield self._ordered(case.batch, parts, unlike, gap)
        elif unlike and not parts.leaks and not _augmented(case.batch):
            level = Level.WARNING if gap > t.SHIFT_IMPACT else Level.INFO
            yield self.finding(
                level,
                "input columns hang together otherwise in validation than in training",
                "Over pairs of columns the correlations of training and validation agree by "
                f"{number(parts.joint or 0.0, 2)}, those of random parts by "
                f"{number(parts.joint_chance or 0.0, 2)}. Columns may be mixed up, pixels put in "
                "another arrangement, a transform may be missing in one part, or the rows come "
                "from elsewhere. Compare one row of each part, column by column.",
                unlike,
                confidence=0.5,
            )

    def _ordered(
        self, batch: BatchFacts, parts: PartFacts, unlike: tuple[Evidence, ...], gap: float
    ) -> Finding:
        picture = batch.inputs.kind == "image"
        word = "pixels" if picture else "columns"
        advice = (
            "Look at the axes: swapped, flipped or reshaped where they ought to be permuted."
            if picture
            else "Select the columns by name, in one order for all parts."
        )
        moved = [(i, source) for i, source in enumerate(parts.order) if i != source]
        pairs = ", ".join(f"{i} is {source}" for i, source in moved[:SHOWN])
        more = f" and {len(moved) - SHOWN} more" if len(moved) > SHOWN else ""
        before, after = _known(parts), parts.order_agreement
        level = Level.ERROR if gap > t.SHIFT_IMPACT else Level.WARNING
        return self.finding(
            level,
            f"validation {word} come in another order: {pairs}{more}",
            f"{len(moved)} of {len(parts.order)} validation {word} look like another one of the "
            f"training part (validation {pairs}{more}). Put into that order, a row's nearest "
            f"training rows know {percent(after or 0.0)} of the validation targets instead of "
            f"{percent(before or 0.0)}. {advice}",
            (
                above(
                    "what neighbours know more after reordering",
                    (after or 0.0) - (before or 0.0),
                    t.ORDER_GAIN,
                ),
                fact(f"{word} in another place", len(moved)),
                *unlike,
            ),
            confidence=0.9,
        )


def _augmented(batch: BatchFacts) -> bool:
    """Whether rows are drawn anew each time: pixels of moved pictures go together otherwise."""
    return batch.rows is not None and (batch.rows.noise or 0.0) > t.JOINT_NOISE


def _unlike(parts: PartFacts) -> Iterable[Evidence]:
    """All signs that columns hang together otherwise; none unless all agree."""
    joint, chance, z, gap = parts.joint, parts.joint_chance, parts.joint_z, parts.joint_gap
    if joint is None or chance is None or z is None or gap is None or chance < t.JOINT_KNOWN:
        return
    if joint < t.JOINT * chance and z > t.JOINT_Z and gap > t.JOINT_GAP:
        yield below("likeness of correlations over random parts'", joint / chance, t.JOINT)
        yield above("the same in deviations of random parts", z, t.JOINT_Z, "std")
        yield above("mean difference of correlations", gap, t.JOINT_GAP)


def _repaired(parts: PartFacts) -> bool:
    """Whether neighbours know the targets in the other order, and did not before."""
    before, after, own = _known(parts), parts.order_agreement, _known_own(parts)
    if before is None or after is None or own is None or not parts.order:
        return False
    gain, lost = after - before, own - before
    fits = parts.joint_chance is None or parts.joint_chance < t.JOINT_KNOWN
    fits = fits or (parts.order_joint or 0.0) > t.ORDER_FITS * (parts.joint_chance or 0.0)
    return fits and gain > t.ORDER_GAIN and gain > 0.7 * lost


def _known(parts: PartFacts) -> float | None:
    return parts.agreement if parts.agreement is not None else parts.value_relation


def _known_own(parts: PartFacts) -> float | None:
    return parts.agreement_own if parts.agreement_own is not None else parts.value_relation_own
