"""LOS109: a loss that pays for outputs which run against their targets."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import AgreementFacts, Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import above, below, fact
from torchclinic.rules.grading import state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number, percent


@register
class AgainstTargets(Rule):
    """The loss is lower the more the outputs run against their targets.

    ## What it does
    Compares trained outputs with their targets. Where they run against them, or where rows of one
    label have moved apart, the loss itself is asked, with made-up outputs of several sizes in the
    model's place: such as follow the targets, the same in other rows, and the opposite. It fires
    where following the targets costs most at every size.

    ## Why is this bad?
    Gradient descent lowers the loss. A similarity (a Dice coefficient, a cosine, a correlation, a
    probability) that is minimised itself, in place of 1 minus it, teaches the model the opposite;
    so does a contrastive loss whose labels say "same" where the data mean "different". The curve
    looks fine: such a loss is bounded and falls smoothly.

    ## Known problems
    Energies, distances and hazards are meant to be small where a row belongs: scores of classes
    and single numbers are only reported as an info, unless the metric is below chance as well.

    ## Example
    `loss = cosine_similarity(output, target).mean()`

    ## Use instead
    `loss = 1 - cosine_similarity(output, target).mean()`

    ## References
    Milletari et al. 2016, arXiv 1606.04797 (Dice loss); Hadsell et al. 2006 (contrastive loss).
    """

    code = "LOS109"
    name = "against-targets"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.WIRING
    any_of = ("recipe", "history")
    explains = ("LOS105", *NUMERICS, *LEARNING_CURVES, "CRV103", "CRV106", "DAT108")
    remedies = ("match-loss",)

    def check(self, case: Case) -> Iterable[Finding]:
        """At most one finding."""
        found, skill = case.agreement, state_of(case).skill
        if found is None or not found.own or (skill is not None and skill > t.LABEL_SKILL):
            return
        if found.wanted == "labels":
            if found.before - found.after > t.DRIVEN_APART and _dearer(found.own, found.others):
                yield self._apart(found)
        elif found.after < -t.AGAINST and _ordered(found):
            yield self._against(found, skill)

    def _against(self, found: AgreementFacts, skill: float | None) -> Finding:
        sure = found.wanted == "shares" or (found.wanted == "values" and found.elements > 1)
        below_chance = skill is not None and skill < 0
        level = Level.ERROR if sure or below_chance else Level.INFO
        own, others, against = _told(found)
        return self.finding(
            level,
            f"the loss pays for outputs against their targets (correlation {number(found.after)})",
            f"After the training the correlation of outputs and targets is {number(found.after)}; "
            f"before it was {number(found.before)}. The loss was asked with made-up outputs: such "
            f"as follow their targets cost {own}, the same in other rows "
            f"{others}, and the opposite {against}. Its sign is "
            "reversed: a similarity is minimised, where 1 minus it, or minus it, is meant.",
            (
                below("correlation of outputs and targets", found.after, _negative(t.AGAINST)),
                *_losses(found),
            ),
            confidence=0.95 if sure else 0.6,
        )

    def _apart(self, found: AgreementFacts) -> Finding:
        own, others, *_ = _told(found)
        return self.finding(
            Level.WARNING,
            "the loss pays for rows of one label being far apart",
            "Rows of one label lay "
            f"{percent(found.before)} closer together than rows of several before the training, "
            f"and {percent(max(found.after, 0.0))} after it. The loss was asked with made-up "
            f"outputs: one and the same for all rows of a label costs {own}, the "
            f"same outputs in other rows {others}. So what is alike is pushed "
            "apart: labels that mean 'same' in the data stand for 'different' in the loss, or its "
            "two terms are exchanged.",
            (
                above("closeness within labels lost", found.before - found.after, t.DRIVEN_APART),
                *_losses(found),
            ),
            confidence=0.85,
        )


def _dearer(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether the one costs more at every size, and clearly more at some."""
    gaps = [(a - b) / max(abs(a), abs(b), 1e-30) for a, b in zip(one, other, strict=True)]
    return min(gaps) > 0 and max(gaps) > t.DEARER


def _ordered(found: AgreementFacts) -> bool:
    return _dearer(found.own, found.others) and _dearer(found.others, found.against)


def _negative(limit: t.Threshold) -> t.Threshold:
    return t.Threshold(-limit, limit.source, limit.note)


def _middle(found: AgreementFacts) -> list[float]:
    """What outputs of middle size cost, of each kind that was asked for."""
    kinds = (found.own, found.others, found.against)
    return [losses[len(losses) // 2] for losses in kinds if losses]


def _told(found: AgreementFacts) -> list[str]:
    return [number(loss) for loss in _middle(found)]


def _losses(found: AgreementFacts) -> Iterable[Evidence]:
    what = ("follow their targets", "do so in other rows", "run against their targets")
    for kind, loss in zip(what, _middle(found), strict=False):
        yield fact(f"loss of made-up outputs that {kind}", loss)
