"""What a watch says at its end: cost, readings a layer, and what was not read and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from torchclinic.core.trace import LOSS, Series, Trace, TracedLayer, WatchCost

if TYPE_CHECKING:
    from torchclinic.watch.session import Session

_NAMED = 6  # layers named in a sentence before it says "and n more"


def explain(
    session: Session, layers: Sequence[TracedLayer], steps: Mapping[str, Series], cost: WatchCost
) -> Iterator[str]:
    """The notes of a trace, in sentences.

    Args:
        session: What ran.
        layers: What came out.
        steps: Series of each step.
        cost: What it cost.
    """
    recording = session.recording
    yield _cost_sentence(cost)
    if recording.failure:
        yield f"Reading stopped at step {session.step + 1}: {recording.failure}."
    if recording.store.thinned:
        yield "Series were thinned to stay within the bound on memory."
    if session.skipped:
        yield f"{session.skipped} steps were skipped by the GradScaler and are not counted."
    for pattern in recording.layers.unmatched:
        yield f"layers={pattern!r} matches no layer."
    if session.step and LOSS not in steps:
        yield "No loss was seen: no backward pass began at a single number; use observe(loss)."
    if cost.readings:
        yield from _readings(layers)
        if recording.structure.forward_map is None:
            yield (
                "The activations that follow are not known, so that nothing is said about "
                f"saturation and silence: {recording.structure.unknown}."
            )


def _cost_sentence(cost: WatchCost) -> str:
    if not cost.steps:
        return "No step was seen: the optimizer's step was never called while watching."
    budget = f"the budget was {cost.budget:.1%}" if cost.budget else f"every {cost.every} steps"
    return (
        f"{cost.readings} of {cost.steps} steps were read, which took {cost.share:.1%} of the "
        f"training's time ({budget})."
    )


def _readings(layers: Sequence[TracedLayer]) -> Iterator[str]:
    counts: dict[int, list[str]] = defaultdict(list)
    reasons: dict[str, list[str]] = defaultdict(list)
    for layer in layers:
        if layer.series:
            counts[max(len(series) for series in layer.series.values())].append(layer.name)
        else:
            reasons[layer.not_applicable.get("*", "unknown")].append(layer.name)
    for count, names in sorted(counts.items(), reverse=True):
        yield f"{_names(names)}: {count} readings."
    for reason, names in reasons.items():
        yield f"{_names(names)}: no readings, {reason}."


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(name or "(the model)" for name in names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown


def summary(trace: Trace) -> str:
    """The notes of a trace, one a line.

    >>> summary(Trace(notes=("Nothing was read.",)))
    'Nothing was read.'
    """
    return "\n".join(trace.notes)
