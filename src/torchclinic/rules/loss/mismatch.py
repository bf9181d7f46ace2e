"""LOS103: a loss that does not fit the outputs or the targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES, NUMERICS
from torchclinic.rules.evidence import above, fact, learning_evidence
from torchclinic.rules.grading import exact, gated, state_of
from torchclinic.rules.initial import VALUE_LOSSES, classes_out
from torchclinic.rules.loss.named_losses import named_mismatch
from torchclinic.rules.outputs import (
    PROBABILITIES,
    loss_kind,
    output_activation,
    outputs_of,
    single_column,
)
from torchclinic.rules.rates import helps, proven_low
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.wording import number


@register
class LossMismatch(Rule):
    """The loss does not fit what the model gives or what the targets are.

    ## What it does
    Knows these pairs: NLLLoss without log-probabilities; BCELoss without probabilities; a
    cross-entropy over a single score; a cross-entropy with real-valued targets; a binary
    cross-entropy with class numbers; a squared or absolute error for classes.

    ## Why is this bad?
    NLLLoss merely picks the output of the right class and can be driven to minus infinity.
    BCELoss of a value outside [0, 1] raises an error. A softmax over one score is always 1, so
    its loss is always 0. A squared error for classes has gradients that vanish where the model is
    wrong with confidence, and on class numbers it believes class 9 to be nine times class 1.

    ## Known problems
    A squared error on one-hot targets can train well; it is then only an info.

    ## Example
    `loss = nn.NLLLoss(); model = nn.Sequential(body, nn.Linear(64, 10))`

    ## Use instead
    `loss = nn.CrossEntropyLoss()`

    ## References
    AUTOTRAINER (Zhang et al. 2021), improper loss; UMLAUT (Schoop et al. 2021); Goodfellow,
    Bengio & Courville 2016, "Deep Learning", section 6.2.2.
    """

    code = "LOS103"
    name = "loss-mismatch"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.WIRING
    needs = frozenset({"recipe"})
    explains = (
        *("DAT104", "LOS104", "LOS105", "LOS107", "LOS109", "INI103"),
        *NUMERICS,
        *LEARNING_CURVES,
    )
    remedies = ("match-loss",)

    def check(self, case: Case) -> Iterable[Finding]:
        """At most one finding: the first pair that does not fit."""
        for pair in _PAIRS:
            found = pair(case)
            if found is None:
                continue
            state = state_of(case)
            short = (state.removed or 0.0) < t.UNDERFIT and (state.skill or 0.0) < t.UNDERFIT_SKILL
            level = exact(state) if found.certain else gated(state, 3 if short else 2)
            if not found.certain and _innocent(case):
                level = Level.INFO
            facts = (*found.evidence, *learning_evidence(state))
            sure = 0.96 if found.certain else 0.75
            yield self.finding(level, found.title, found.text, facts, confidence=sure)
            return


def _innocent(case: Case) -> bool:
    """A cross-entropy gets no farther; or, where that was not tried, a larger rate does."""
    if case.swapped is not None:
        return not helps(case, case.swapped)
    return proven_low(case)


class _Found(NamedTuple):
    title: str
    text: str
    evidence: tuple[Evidence, ...]
    certain: bool


def _nll(case: Case) -> _Found | None:
    outputs = outputs_of(case)
    normal = outputs.log_probabilities or output_activation(case) == "log_softmax"
    if loss_kind(case) != "nll" or normal or not outputs.shape:
        return None
    given = "probabilities" if outputs.rows_sum_to_one else "scores"
    return _Found(
        f"NLLLoss receives {given}, not log-probabilities",
        "NLLLoss takes the negative output of the right class and nothing else, so its input must "
        f"be log-probabilities. Here it gets {given}: the loss can be lowered without end by "
        "raising all outputs, whether or not they are right.",
        (fact(f"outputs are {given}, largest", outputs.maximum or 0.0),),
        True,
    )


def _bce(case: Case) -> _Found | None:
    outputs, name = outputs_of(case), output_activation(case)
    if loss_kind(case) != "bce" or name in PROBABILITIES:
        return None
    low, high = outputs.minimum, outputs.maximum
    outside = (low is not None and low < 0) or (high is not None and high > 1)
    if name is None and not outside and not _no_pass_without_sigmoid(case):
        return None
    ends = f"ends in {name}" if name else "has no sigmoid at its end"
    return _Found(
        "BCELoss receives outputs that are no probabilities",
        f"BCELoss takes the logarithm of the output and asks for values in [0, 1], but the model "
        f"{ends}. {_span(low, high)}",
        (
            fact(f"outputs pass {name or 'nothing'}, probabilities among them", 0),
            *(() if low is None else (fact("smallest output", low),)),
            *(() if high is None else (fact("largest output", high),)),
        ),
        True,
    )


def _span(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "The loss cannot be computed on its outputs."
    return f"Untrained it gives {number(low)} to {number(high)}."


def _no_pass_without_sigmoid(case: Case) -> bool:
    """The loss refused the outputs, and the traced model's last layer has no sigmoid behind it."""
    if case.batch is None or case.batch.outputs is not None or case.recipe is None:
        return False
    last = next((layer for layer in case.recipe.model.layers if layer.output), None)
    named = last.activation if last is not None else None
    return case.recipe.model.traced and last is not None and named not in PROBABILITIES


def _several_classes(case: Case) -> _Found | None:
    """Rows that belong to several classes or none, in a loss for exactly one."""
    if case.batch is None or loss_kind(case) != "cross-entropy":
        return None
    targets = case.batch.targets
    if len(targets.shape) != 2 or targets.mean is None or targets.shape[1] < 2:
        return None
    yes_or_no = targets.minimum is not None and targets.minimum >= 0 and targets.maximum == 1
    each = targets.mean * targets.shape[1]
    if not yes_or_no or abs(each - 1) <= t.LABELS_A_ROW:
        return None
    return _Found(
        f"cross-entropy for rows that belong to {number(each)} classes on average",
        f"The targets hold {number(each)} ones a row on average. Cross-entropy applies a softmax, "
        "whose probabilities sum to 1, so that the classes of a row take from each other. Labels "
        "that do not exclude each other need a binary cross-entropy for each.",
        (above("distance of the labels a row from 1", abs(each - 1), t.LABELS_A_ROW),),
        True,
    )


def _single_score(case: Case) -> _Found | None:
    one = case.batch is not None and classes_out(case.batch) == 1
    if loss_kind(case) not in ("cross-entropy", "nll") or not one:
        return None
    return _Found(
        "cross-entropy over a single score is always 0",
        "The model gives one score a row, and the softmax of a single score is 1 whatever the "
        "score is. The loss is 0 for every row and gives no gradient; two classes need two "
        "scores, or one score and a binary cross-entropy.",
        (fact("scores a row", 1),),
        True,
    )


def _real_targets(case: Case) -> _Found | None:
    targets = case.batch.targets if case.batch is not None else None
    if loss_kind(case) != "cross-entropy" or targets is None or targets.kind != "real":
        return None
    return _Found(
        f"cross-entropy with real-valued targets up to {number(targets.maximum or 0.0)}",
        "Floating-point targets are taken for class probabilities, but these are no "
        f"probabilities: they run from {number(targets.minimum or 0.0)} to "
        f"{number(targets.maximum or 0.0)}. A quantity needs a squared error, a class its number.",
        (fact("largest target", targets.maximum or 0.0),),
        True,
    )


def _values_for_classes(case: Case) -> _Found | None:
    recipe, targets = case.recipe, case.batch.targets if case.batch is not None else None
    if recipe is None or recipe.loss_kind not in VALUE_LOSSES:
        return None
    discrete = targets is not None and targets.kind in ("one-hot", "binary", "classes")
    if recipe.task not in ("classification", "binary") and not discrete:
        return None
    if targets is None or targets.kind == "real":
        return None
    numbers = targets.kind == "classes" and single_column(case)
    if numbers and recipe.task == "regression":
        return None
    return _numbers(case, recipe.loss_kind) if numbers else _shares(case, recipe.loss_kind)


def _numbers(case: Case, kind: str) -> _Found:
    classes = len(case.batch.targets.class_counts) if case.batch is not None else 0
    return _Found(
        f"{kind} loss on class numbers",
        f"The targets are the numbers of {classes} classes, and a {kind} loss takes them for "
        "quantities: class 9 counts as far from class 1 and close to class 8. One output cannot "
        "say which class it is; use as many scores as classes and a cross-entropy.",
        (fact("classes", classes), fact("outputs a row", 1)),
        True,
    )


def _shares(case: Case, kind: str) -> _Found:
    name = output_activation(case)
    after = f" after a {name}" if name in PROBABILITIES else ""
    return _Found(
        f"{kind} loss{after} for a classification",
        f"The targets are classes and the loss is {kind}{after}. Its gradient is small where the "
        "model is wrong with confidence, so that such rows stay wrong; a cross-entropy on scores "
        f"keeps the full gradient there.{_swapped(case)}",
        (fact("targets are classes", 1),),
        False,
    )


def _named(case: Case) -> _Found | None:
    found = named_mismatch(case)
    return None if found is None else _Found(*found)


def _swapped(case: Case) -> str:
    trial = case.swapped
    if trial is None:
        return ""
    return (
        f" Tried on the same {trial.steps:,} steps, a cross-entropy brings the {case.recipe.loss}"
        f" on validation rows to {number(trial.tried)}, where it is {number(trial.loss)} now."
        if case.recipe is not None
        else ""
    )


_PAIRS: tuple[Callable[[Case], _Found | None], ...] = (
    _named,
    _single_score,
    _several_classes,
    _real_targets,
    _nll,
    _bce,
    _values_for_classes,
)
