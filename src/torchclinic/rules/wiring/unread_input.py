"""WIR110: the outputs do not depend on the part of the inputs that tells of the targets."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.functional.learning import LearningState
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, below, fact, learning_evidence
from torchclinic.rules.grading import gated, state_of
from torchclinic.rules.knowing import lacking, memorises
from torchclinic.rules.reach import Part, padded, spans, steps_read, telling_parts
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number


@register
class UnreadInput(Rule):
    """The outputs do not depend on positions or features that tell of the targets.

    ## What it does
    Exchanges one position of the sequences, or one feature of the table, between rows, and looks
    whether the outputs change, before and after the training. It asks the data which positions
    tell of the targets (their correlation against shuffled targets). It fires where the outputs
    stay exactly the same for most of what tells, and the training suffers; also where they stay
    the same for nearly all time steps, though none of them tells anything by itself, as where the
    order decides. Where rows are padded, words are exchanged with words, so that masks stay.

    ## Why is this bad?
    What never reaches the output cannot be learnt from. Typical are the output of a recurrent
    layer at the *first* time step, which has seen one step only, an index that picks the wrong
    column, and a mask the wrong way round.

    ## Known problems
    A model may leave inputs out on purpose; so long as it learns nothing is said.

    ## Example
    `hidden, _ = self.gru(x); return self.head(hidden[:, 0])`

    ## Use instead
    `hidden, _ = self.gru(x); return self.head(hidden[:, -1])`

    ## References
    Karpathy 2019, "A Recipe for Training Neural Networks" (use backprop to chart dependencies).
    """

    code = "WIR110"
    name = "unread-input"
    levels = (Level.ERROR, Level.WARNING)
    stage = Stage.WIRING
    needs = frozenset({"batch"})
    explains = ("WIR112", "LRN101", "GRD103", *LEARNING_CURVES, "CRV103")
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding where most of what tells of the targets is not read, or hardly anything."""
        assert case.batch is not None
        telling, state = telling_parts(case), state_of(case)
        falls_short = state.poor or lacking(case) is not None
        if not (falls_short or memorises(case)):
            return
        unread = [p for p in telling if max(p.before, p.after) <= t.UNREAD]
        share = sum(p.tells for p in unread) / sum(p.tells for p in telling) if telling else 0.0
        if share < t.TELLING_MOST or not falls_short:
            yield from self._hardly_any(case, telling)
            return
        level = gated(state, 3)
        yield self.finding(
            Level.WARNING if level is Level.INFO else level,
            f"the outputs do not depend on {_kind(case)} {spans(unread)}",
            f"Exchanging {_kind(case)} {spans(unread)} between rows leaves every output as it was, "
            f"before and after the training. Yet they tell of the targets: "
            f"{_strongest(case, unread)}. {_read(case)}",
            (
                below("change of the outputs, over the largest", max(p.after for p in unread),
                      t.Threshold(2 * t.UNREAD, t.UNREAD.source)),
                fact("how far they tell of the targets, in deviations of chance",
                     max(p.tells for p in unread)),
                *learning_evidence(state),
            ),
            confidence=0.95,
        )  # fmt: skip

    def _hardly_any(self, case: Case, telling: tuple[Part, ...]) -> Iterable[Finding]:
        """Of many steps hardly any is read, and none that is tells more than all the others."""
        state, found = state_of(case), steps_read(case)
        unread = [p for p in found if max(p.before, p.after) <= t.UNREAD]
        share = len(unread) / len(found) if found else 0.0
        if len(found) < t.UNREAD_STEPS or share < t.UNREAD_MOST:
            return
        together = sum(p.tells for p in unread) / len(unread) ** 0.5
        if telling and together < t.TELLING:
            return
        level = gated(state, 2)
        yield self.finding(
            Level.WARNING if level is Level.INFO else level,
            f"the outputs do not depend on time steps {spans(unread)}",
            f"Exchanging {_what(case)} time steps {spans(unread)} between rows leaves every output "
            f"as it was, before and after the training, which {_suffers(state)}. {_why(case)}",
            (
                above("share of the time steps that is not read", share, t.UNREAD_MOST),
                *learning_evidence(state),
            ),
            confidence=0.8,
        )


def _what(case: Case) -> str:
    return "what stands at" if padded(case) else "what is at"


def _suffers(state: LearningState) -> str:
    if state.hurt:
        return "learns nothing"
    return "learns badly" if state.poor else "learns nothing that holds for other rows"


def _why(case: Case) -> str:
    """What is read, and how the rest is usually lost."""
    if padded(case) and all(part.before <= t.UNREAD for part in steps_read(case)):
        return (
            "Only where the padding begins reaches them: the mask is the wrong way round, so that "
            "padding is all that is looked at. A key_padding_mask is True where attention must "
            "NOT look (`tokens == 0`), a mask to multiply by is 1 where it must."
        )
    told = _read(case)
    usual = (
        ""
        if told.endswith("?")
        else " Is a slice or an index too short, or a mask the wrong way round?"
    )
    return told + usual


def _kind(case: Case) -> str:
    reach = case.batch.reach if case.batch is not None else None
    return "time steps" if reach is not None and reach.axis == "positions" else "features"


def _strongest(case: Case, unread: list[Part]) -> str:
    best = max(unread, key=lambda part: part.tells)
    one = _kind(case).removesuffix("s")
    return (
        f"{one} {best.start + 1} alone is correlated with them {number(best.tells)} standard "
        "deviations beyond chance"
    )


def _read(case: Case) -> str:
    """What the outputs do depend on."""
    reach = case.batch.reach if case.batch is not None else None
    if reach is None:
        return ""
    most = max((e for e in reach.effects if e is not None), default=0.0)
    kept = [
        Part(start, end, 0.0, 1.0, 1.0)
        for start, end, effect in zip(
            reach.starts, (*reach.starts[1:], reach.size), reach.effects, strict=True
        )
        if effect is not None and effect > t.UNREAD * most
    ]
    if not kept:
        return ""
    first = (
        " Is the first output of a recurrent layer taken for the last?"
        if (reach.axis == "positions" and len(kept) == 1 and kept[0].start == 0)
        else ""
    )
    return f"All that the outputs depend on is {_kind(case)} {spans(kept)}.{first}"
