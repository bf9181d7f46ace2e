"""The curves of a repair or a diagnosis, each with a title that says the finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from torchclinic.core import Run
from torchclinic.render.curves import (
    Bundle,
    Quantity,
    evaluated_split,
    evaluation_bundles,
    training_bundles,
)
from torchclinic.render.html.figures.curves import curves, values_scale
from torchclinic.render.numbers import finite
from torchclinic.render.story import ends_sentence
from torchclinic.render.words import plural


@dataclass(frozen=True)
class CurvePanel:
    """A plot with its title and how to read it."""

    title: str
    note: str
    figure: Markup
    seeds: int


def curve_panels(before: Sequence[Run], after: Sequence[Run]) -> tuple[CurvePanel, ...]:
    """Metric, held-out loss and training loss, as far as they were recorded."""
    runs = (*before, *after)
    metric = next((run.history.metric for run in runs if run.history.metric), None)
    found: list[CurvePanel] = []
    wanted: list[tuple[str, Quantity]] = [("loss", "loss")]
    if metric is not None:
        wanted.insert(0, (metric, "metric"))
    for name, quantity in wanted:
        split = evaluated_split(runs, quantity)
        bundles = evaluation_bundles(before, after, quantity)
        if bundles and split:
            found.append(_panel(bundles, f"{split} {name}", "evaluated without gradients"))
    bundles = training_bundles(before, after)
    if bundles:
        found.append(_panel(bundles, "training loss", _smoothing(bundles)))
    return tuple(found)


def _smoothing(bundles: Sequence[Bundle]) -> str:
    steps = bundles[0].seeds[0].steps
    each = steps[1] - steps[0] if len(steps) > 1 else 1
    return "of each step" if each == 1 else f"each point the mean of {each} steps"


def _panel(bundles: Sequence[Bundle], name: str, how: str) -> CurvePanel:
    ends = {bundle.arm: bundle.median.last for bundle in bundles if not bundle.gone}
    nan = float("nan")
    first = ends.get("before", ends.get("alone", nan))
    title = ends_sentence(name[0].upper() + name[1:], first, ends.get("after", nan))
    gone = [f"{_side(b)}{b.broken} of {len(b.seeds)} seeds end in NaN" for b in bundles if b.gone]
    title = (
        "; ".join([title, *gone])
        if finite(ends.values())
        else ": ".join([name[0].upper() + name[1:], *gone])
    )
    seeds = max(len(bundle.seeds) for bundle in bundles)
    who = f"median of {plural(seeds, 'seed')}" if seeds > 1 else "one seed"
    log = "; log scale" if values_scale(bundles).log else ""
    note = f"{how[0].upper()}{how[1:]}; {who}{log}."
    return CurvePanel(title, note, curves(bundles, name, title), seeds)


def _side(bundle: Bundle) -> str:
    return "" if bundle.arm == "alone" else f"{bundle.arm}, "
