"""DAT113: a class whose rows do not count in the loss, or that is never answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torchclinic.core.facts import BatchFacts, Case, PredictionFacts
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.functional.learning import LearningState
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, below, fact
from torchclinic.rules.grading import state_of
from torchclinic.rules.initial import scores_a_row
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import percent

CLASS_LOSSES = ("cross-entropy", "nll")  # LOS108 looks after the others
FEWEST_ROWS = 5  # of a class, in the sample, that all lack a gradient


@register
class UntaughtClass(Rule):
    """The rows of a class give the loss no gradient, or the trained model never answers it.

    ## What it does
    Looks for classes of which no row gives a gradient, whatever the output: their weight in the
    loss is 0, or their number is the `ignore_index`. It also asks whether a model that recognises
    the other classes recognises none of one class that is not rare, though the nearest training
    rows of its validation rows have that class.

    ## Why is this bad?
    The model never learns that class, and the training loss does not tell, since the loss does
    not count these rows. The accuracy does not tell either, where the metric leaves them out.

    ## Known problems
    Ignored positions of a sequence or a picture (padding, unknown pixels) are meant so and are
    not reported, nor are labels below 0. Rare classes are left to DAT108.

    ## Example
    `nn.CrossEntropyLoss(ignore_index=0)  # 0 is a class, not padding`

    ## Use instead
    `nn.CrossEntropyLoss()  # -100 is ignored by default`

    ## References
    torch.nn.CrossEntropyLoss: weight and ignore_index.
    """

    code = "DAT113"
    name = "untaught-class"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.DATA
    needs = frozenset({"batch"})
    explains = ("DAT103", "DAT108", "CRV101", "CRV105", "WIR104", "CRV103")
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for classes without a gradient, or else for classes never answered."""
        assert case.batch is not None
        if not _one_class_a_row(case.batch):
            return
        mute = _mute(case)
        if mute:
            yield self._without_gradient(case, mute)
        elif case.predictions is not None:
            yield from self._never_answered(case, case.predictions)

    def _without_gradient(self, case: Case, mute: Mapping[int, int]) -> Finding:
        worst = max(mute, key=lambda c: mute[c])
        recall = case.predictions.recalls.get(worst) if case.predictions is not None else None
        seen = (
            ""
            if recall is None
            else f" Of its validation rows the trained model recognises {percent(recall)}."
        )
        names = _classes(mute)
        untaught = recall is not None and recall < t.UNTAUGHT_RECALL
        return self.finding(
            Level.ERROR if untaught else Level.WARNING,
            f"the rows of {names} do not count in the loss",
            f"None of the {sum(mute.values()):,} sampled rows of {names} gives the loss a "
            f"gradient, at any output: {_weight(case)}.{seen} Give the class a weight above 0, or "
            "an ignore_index that is no class (-100).",
            (
                fact(f"sampled rows of class {worst}", mute[worst]),
                fact("of them with a gradient", 0),
                *_recall(worst, recall),
            ),
            confidence=0.95,
        )

    def _never_answered(self, case: Case, found: PredictionFacts) -> Iterable[Finding]:
        state = state_of(case)
        lost = [label for label in found.recalls if _lost(case, found, label)]
        if not lost or len(found.recalls) < 3 or not _learnt(state):
            return
        worst = max(lost, key=lambda c: found.counts[c])
        known = neighbours_recall(case, worst) or 0.0
        names = _classes(dict.fromkeys(lost, 1))
        yield self.finding(
            Level.WARNING,
            f"{names} is never answered" if len(lost) == 1 else f"{names} are never answered",
            f"The trained model recognises {percent(found.recalls[worst])} of the "
            f"{found.counts[worst]:,} validation rows of class {worst} and "
            f"{percent(_others(found, lost))} of the other classes' rows, while the nearest "
            f"training rows know {percent(known)} of them. Look for what leaves it out: a weight, "
            "a mask or an index in the loss, a filter or a sampler before it.",
            (
                below(
                    "share of its validation rows recognised",
                    found.recalls[worst],
                    t.UNTAUGHT_RECALL,
                ),
                above("mean of the same over other classes", _others(found, lost), _OTHERS),
                above("share of them that neighbours know", known, t.UNTAUGHT_KNOWN),
            ),
            confidence=0.8,
            stage=Stage.CURVE,  # it is what comes of a training, whatever made it so
        )


_OTHERS = t.UNTAUGHT_OTHERS


def _mute(case: Case) -> dict[int, int]:
    """Classes of which no sampled row has a gradient, while others have."""
    loss = case.batch.loss if case.batch is not None else None
    kind = case.recipe.loss_kind if case.recipe is not None else "custom"
    if loss is None or kind not in CLASS_LOSSES:
        return {}
    outputs = scores_a_row(case)
    if outputs is not None and outputs < 2:
        return {}  # one score for several classes: LOS103 says so
    silent = {
        label: rows
        for label, rows in loss.silent.items()
        if rows >= max(FEWEST_ROWS, loss.rows.get(label, 0)) and 0 <= label < (outputs or 2)
    }
    return silent if len(silent) < len(loss.rows) else {}


def neighbours_recall(case: Case, label: int) -> float | None:
    """Share of the validation rows of a class whose neighbours have it, too."""
    parts = case.batch.parts if case.batch is not None else None
    if parts is None or not parts.confusion:
        return None
    rows = sum(n for (_, truth), n in parts.confusion.items() if truth == label)
    return parts.confusion.get((label, label), 0) / rows if rows else None


def _lost(case: Case, found: PredictionFacts, label: int) -> bool:
    """A class that is not rare, that neighbours know and the model does not."""
    assert case.batch is not None
    counts = case.batch.targets.class_counts
    rows = found.counts.get(label, 0)
    rare = counts.get(label, 0) * t.IMBALANCE < max(counts.values(), default=0)
    known = neighbours_recall(case, label)
    if rows < t.UNTAUGHT_ROWS or rare or known is None or not known > t.UNTAUGHT_KNOWN:
        return False
    unseen = found.recalls[label] < t.UNTAUGHT_RECALL
    return unseen and _others(found, [label]) > t.UNTAUGHT_OTHERS


def _others(found: PredictionFacts, lost: list[int]) -> float:
    recalls = [recall for label, recall in found.recalls.items() if label not in lost]
    return sum(recalls) / len(recalls) if recalls else 0.0


def _learnt(state: LearningState) -> bool:
    """Whether the training is over and has learnt: before, any class may come last."""
    return state.fine and state.complete


def _one_class_a_row(batch: BatchFacts) -> bool:
    shape = batch.targets.shape
    return batch.targets.kind in ("classes", "binary") and (
        len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
    )


def _recall(label: int, recall: float | None) -> Iterable[Evidence]:
    if recall is None:
        return
    what = f"share of the validation rows of class {label} recognised"
    yield (
        below(what, recall, t.UNTAUGHT_RECALL) if recall < t.UNTAUGHT_RECALL else fact(what, recall)
    )


def _weight(case: Case) -> str:
    name = case.recipe.loss if case.recipe is not None else "the loss"
    return f"{name} gives it weight 0, or takes its number for rows to be ignored"


def _classes(found: Mapping[int, int], limit: int = 5) -> str:
    names = sorted(found)
    shown = ", ".join(str(name) for name in names[:limit])
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"class {shown}" if len(names) == 1 else f"classes {shown}{more}"
