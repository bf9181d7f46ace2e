"""WIR111: the outputs are the same for every row."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, CollapseFacts, ReachFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import below, fact, learning_evidence
from torchclinic.rules.grading import exact, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import called, number, short


@register
class ConstantOutput(Rule):
    """The outputs are the same for every row, so that the inputs are lost on the way.

    ## What it does
    Compares how far the outputs differ between rows with their size, in evaluation mode, before
    and after the training, and finds the first module whose output no longer differs. It fires
    where the trained outputs differ by less than a ten-thousandth, or by less than a hundredth of
    what the untrained ones did. Where they differ by less than 0.3 of that, the loss is asked
    what it costs to give all rows one output: it fires where that costs the same whichever it is,
    and as much as the training reached.

    ## Why is this bad?
    Such a model gives one answer to everything. Where it did so from the start, a layer erases
    its input: an embedding of zeros, the state of a recurrent net after long padding, a norm over
    one number. Where it came to it, the loss pays for it: a penalty on a code that outweighs the
    reconstruction collapses the code. Or the loss does not mind: one that brings alike rows
    together and keeps none apart is best served by a single point.

    ## Known problems
    Dead units and zero weights do the same and have rules of their own, which rank before it.

    ## Example
    `loss = reconstruction.mean() + kl.sum()  # a sum outweighs a mean over the pixels`

    ## Use instead
    `loss = reconstruction.sum(1).mean() + kl.sum(1).mean()`

    ## References
    Bowman et al. 2016, arXiv 1511.06349 (posterior collapse); TheDeepChecker (Ben Braiek & Khomh
    2023), constant outputs.
    """

    code = "WIR111"
    name = "constant-output"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.NUMERICS  # a symptom of much; causes that are known outrank it
    needs = frozenset({"batch"})
    explains = (
        "WIR102", "LRN101", "LRN102", "ACT101",
        *(code for code in LEARNING_CURVES if code not in ("WIR111", "WIR113")),
    )  # fmt: skip
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding: for an input that is erased, or for a code that has collapsed."""
        assert case.batch is not None
        before, after, state = case.batch.reach, case.reach, state_of(case)
        if state.progress.value == "diverged":
            return
        if case.collapse is not None and _unminded(case.collapse):
            yield self._free(case.collapse)
            return
        if before is None or after is None or before.spread is None or after.spread is None:
            return
        if before.spread < t.ERASED and after.spread < t.SAME_OUTPUT:
            yield self._erased(case, before)
        elif after.spread < t.SAME_OUTPUT * before.spread * 100 and after.spread < t.COLLAPSED:
            yield self._collapsed(case, before, after)

    def _erased(self, case: Case, before: ReachFacts) -> Finding:
        state = state_of(case)
        place = f", from {short(before.faded)} on" if before.faded else ""
        if before.constant_end and not before.fed:
            place = f": only {before.constant_end} steps of padding reach them"
        return self.finding(
            exact(state),
            f"the outputs are the same for every row{place}",
            f"Outputs of the untrained model differ between rows by {number(before.spread or 0.0)} "
            f"of their size, in the trained one by no more than rounding. {_where(before)}",
            (
                below("outputs between rows over their size", before.spread or 0.0, t.ERASED),
                *learning_evidence(state),
            ),
            layers=[before.faded] if before.faded else [],
            confidence=0.9,
        )

    def _free(self, found: CollapseFacts) -> Finding:
        ratio, cost = found.after / found.before, max(found.constants)
        return self.finding(
            Level.WARNING,
            f"the outputs collapsed to {number(ratio)} of their spread, and the loss does not mind",
            f"After the training the outputs differ between rows by {number(found.after)} of their "
            f"size, where they differed by {number(found.before)} before. The loss was asked with "
            f"one and the same output for all rows: it is {number(cost)}, whichever that is, "
            f"where the training went from {number(found.untrained)} to {number(found.trained)}. "
            "Nothing in it keeps rows apart, or not enough. Add what does: pairs that do not "
            "belong together and a margin (or a softmax over them), a reconstruction, a term for "
            "the variance. Where the hardest negatives are picked, begin with random ones.",
            (
                below("spread of the outputs, trained over untrained", ratio, t.UNMINDED),
                fact("loss of one output for all rows", cost),
                fact("loss after the training", found.trained),
            ),
            confidence=0.9,
            stage=Stage.WIRING,
        )

    def _collapsed(self, case: Case, before: ReachFacts, after: ReachFacts) -> Finding:
        state, now, then = state_of(case), after.spread or 0.0, before.spread or 0.0
        place, ratio = _first_fall(before, after)
        story = (
            f" It begins at {called(place)}, whose output differs {number(ratio)} times as much "
            "as before training."
            if place
            else ""
        )
        return self.finding(
            Level.WARNING,
            f"the outputs collapsed: rows differ by {number(now)}, {number(then)} before training",
            f"After the training the outputs differ between rows by {number(now)} of their size, "
            f"where they differed by {number(then)} before: the model gives one answer to "
            f"everything.{story} Look for a term of the loss that pays for it: a divergence or a "
            "penalty that is summed beside an error that is averaged.",
            (
                below("outputs between rows over their size", now, t.COLLAPSED),
                fact("the same before training", then),
                *learning_evidence(state),
            ),
            layers=[place] if place else [],
            confidence=0.7,
            stage=Stage.CURVE,
            explains=("CRV105", "CRV101", "ACT101"),
        )


def _unminded(found: CollapseFacts) -> bool:
    """The outputs shrank, and the loss came to what any constant costs."""
    fell = found.untrained - found.trained
    if not found.constants or not fell > 0 or not found.after < t.UNMINDED * found.before:
        return False
    apart = max(found.constants) - min(found.constants)
    away = abs(max(found.constants) - found.trained)
    return apart < t.SAME_CONSTANT * fell and away < t.REACHED_CONSTANT * fell


def _where(before: ReachFacts) -> str:
    if before.constant_end and not (before.faded and before.fed):
        return (
            f"The last {before.constant_end} positions are the same in all rows, as padding is, "
            "and what came before is forgotten until the end. Take the state at the last real "
            "step (pack_padded_sequence), or pad on the left."
        )
    if before.faded and before.fed:
        return (
            f"{called(before.faded)} is the first whose output does not differ, though what it is "
            "given does: look at its weights, and at what it normalises."
        )
    if before.faded:
        return (
            f"What {called(before.faded)} is given does not differ between rows already: look at "
            "what is picked for it, and at the inputs."
        )
    return "Look for what is lost between the inputs and the output."


def _first_fall(before: ReachFacts, after: ReachFacts) -> tuple[str, float]:
    """The first module whose output collapsed, and by what factor."""
    for name, spread in after.spreads.items():
        then = before.spreads.get(name, 0.0)
        if then > 0 and spread < t.FALLEN * then:
            return name, spread / then
    return "", 1.0
