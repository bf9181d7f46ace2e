"""WIR114: a view that mixes axes where their order should change."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case, RegroupFacts
from torchclinic.core.finding import Finding, Level, Stage
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import fact, learning_evidence
from torchclinic.rules.grading import gated, state_of
from torchclinic.rules.knowing import lacking, memorises
from torchclinic.rules.rule import Rule, register


@register
class RegroupedAxes(Rule):
    """A view or reshape mixes axes, where a permute is meant.

    ## What it does
    Listens to every view of the forward pass and of the loss. A view keeps the elements in their
    order: it can split an axis or merge neighbours, and nothing else. It fires where one gives the
    axes in another order, or rows that begin in the middle of an old one, and does so whatever
    the number of rows and the length of the sequences is, so that no coincidence of sizes is
    taken for a mistake. Axes that were merged in one order and split, or compared with targets,
    in another count as well.

    ## Why is this bad?
    Sizes come out as wished and nothing is raised, but each new step, channel or row is made of
    pieces of several old ones. Where rows are mixed, labels stand beside the wrong inputs.

    ## Known problems
    A skew that is made on purpose by padding and a view (relative positions) goes unsaid, and so
    do views of fixed sizes that mix no rows. Where the training learns well it is only an info: a
    linear layer that reads all of it does not mind.

    ## Example
    `scores = scores.view(batch, classes, steps)  # of (batch, steps, classes)`

    ## Use instead
    `scores = scores.transpose(1, 2)  # or permute(...), before a reshape that merges`

    ## References
    torch.Tensor.view and torch.permute; Rogozhnikov 2022, "Einops: Clear and Reliable Tensor
    Manipulations with Einstein-like Notation", ICLR.
    """

    code = "WIR114"
    name = "regrouped-axes"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.WIRING
    needs = frozenset({"batch"})
    explains = (
        *("WIR106", "WIR110", "WIR112", "WIR102", "LRN101", "LRN102", "GRD103", "CRV103"),
        *LEARNING_CURVES,
    )
    remedies = ()

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding, for the first such view, or the first that mixes rows."""
        assert case.batch is not None
        found = sorted(case.batch.regrouped, key=lambda view: not view.rows)
        if not found:
            return
        state, view = state_of(case), found[0]
        suffers = state.poor or lacking(case) is not None or memorises(case)
        level = gated(state, 3)
        more = f" {len(found) - 1} other lines do the like." if len(found) > 1 else ""
        yield self.finding(
            Level.WARNING if suffers and level is Level.INFO else level,
            f"a view mixes {_axes(view)}: {view.line}",
            f"{view.line} {_story(view)} Elements keep their order in a view, so that what comes "
            f"out is made of pieces of several {_axes(view)}, whatever the sizes are. Change the "
            f"order of the axes with transpose or permute before any reshape.{more}",
            (
                fact("views that mix axes", len(found)),
                fact("axes that are mixed", len(view.was)),
                *learning_evidence(state),
            ),
            confidence=0.95 if view.rows else 0.9,
        )


def _axes(view: RegroupFacts) -> str:
    return "rows" if view.rows else "axes"


def _story(view: RegroupFacts) -> str:
    if view.merged:
        return f"takes axes apart as {view.now} that were laid into one as {view.was}."
    return f"reads axes of sizes {view.was} as {view.now}."
