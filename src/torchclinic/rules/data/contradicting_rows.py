"""DAT117: rows with the same inputs and different labels."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, RowFacts
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.skill import rescale
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import EVERYTHING_LATER
from torchclinic.rules.evidence import above, below, fact
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import percent


@register
class ContradictingRows(Rule):
    """Rows with exactly the same inputs have different labels: the inputs have lost their content.

    ## What it does
    Counts the rows that have the same inputs as another one, and the largest accuracy that any
    function of the inputs can reach on them. It warns where that is low although the inputs are
    wide enough to differ: a picture, a long row of which many columns are constant, or token
    numbers of which the data uses only a small part.

    ## Why is this bad?
    What is not in the inputs cannot be learnt. Whole-number division of bytes turns every pixel
    below 255 into 0, a vocabulary cut to five words turns every sentence into the same unknown
    words, a column filled with a constant tells nothing.

    ## Known problems
    Tables of a few categories (one-hot columns, too) repeat themselves and contradict each other
    by nature: for them the best possible accuracy is only told. Of few rows the number is too
    high, as rows that stand alone count as right.

    ## Example
    `inputs = pixels // 255  # uint8: 0 or 1`

    ## Use instead
    `inputs = pixels.float() / 255`

    ## References
    Cover and Hart 1967 (the Bayes error bounds what any rule can reach); Ishida et al. 2023, "Is
    the Performance of My Deep Network Too Good to Be True?", arXiv 2202.00395.
    """

    code = "DAT117"
    name = "contradicting-rows"
    levels = (Level.ERROR, Level.INFO)
    stage = Stage.DATA
    needs = frozenset({"batch"})
    explains = ("DAT102", "DAT106", "DAT108", "DAT119", "CRV103", *EVERYTHING_LATER)
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where equal rows contradict each other so that little can be learnt."""
        assert case.batch is not None
        rows = case.batch.rows
        if rows is None or rows.ceiling is None or rows.ceiling_base is None or rows.distinct < 2:
            return
        if rows.ceiling_base >= 1:
            return
        reachable = rescale(rows.ceiling, rows.ceiling_base)
        if not (rows.repeated > t.CEILING_ROWS and reachable < t.CEILING):
            return
        lost, why = _lost(case, rows)
        yield self.finding(
            Level.ERROR if lost else Level.INFO,
            f"equal inputs, different labels: at most {percent(rows.ceiling)} can be right",
            f"Of {rows.rows:,} sampled training rows {percent(rows.repeated)} have the same inputs "
            f"as another row; {rows.distinct:,} different inputs are left, the commonest stands in "
            f"{percent(rows.commonest)} of the rows. As equal rows have different labels, no model "
            f"can get more than {percent(rows.ceiling)} of these rows right (the commonest class "
            f"alone makes {percent(rows.ceiling_base)}).{why}",
            (
                below("best possible accuracy, rescaled", reachable, t.CEILING),
                above("share of rows with a twin", rows.repeated, t.CEILING_ROWS),
                *lost,
                fact("different inputs", rows.distinct),
            ),
            confidence=0.9,
        )


def _lost(case: Case, rows: RowFacts) -> tuple[tuple[Evidence, ...], str]:
    """Signs that the inputs could tell the rows apart and do not."""
    assert case.batch is not None
    look = " Look at what happens to the inputs before the model: they hardly differ."
    if case.batch.inputs.kind == "tokens":
        words = _embedded(case)
        if words and rows.values < t.CEILING_WORDS * words:
            what = "share of the embedding's rows in use"
            told = f" They use {rows.values:,} of the embedding's {words:,} numbers.{look}"
            return (below(what, rows.values / words, t.CEILING_WORDS),), told
        return (), ""
    if case.batch.inputs.kind == "image":
        common = rows.commonest > t.CEILING_COMMON  # patterns that repeat evenly are meant so
        what = "share of the commonest picture"
        return ((above(what, rows.commonest, t.CEILING_COMMON),), look) if common else ((), "")
    channels = len(case.batch.inputs.channel_stds)
    constant = case.batch.inputs.constant_channels / channels if channels else 0.0
    if rows.elements > t.CEILING_WIDE and constant > t.CEILING_CONSTANT and not rows.coded:
        return (
            above("numbers in a row", rows.elements, t.CEILING_WIDE),
            above("share of columns that are constant", constant, t.CEILING_CONSTANT),
        ), look
    return (), ""


def _embedded(case: Case) -> int:
    layers = case.recipe.model.layers if case.recipe is not None else ()
    sizes = [x.weight_shape[0] for x in layers if "Embedding" in x.kind and x.weight_shape]
    return max(sizes, default=0)
