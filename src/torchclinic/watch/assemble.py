"""From a session to a Trace."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import distributed

from torchclinic.core.trace import (
    TOTAL_GRADIENT_NORM,
    Series,
    Trace,
    TracedLayer,
    WatchCost,
    merge_notes,
)
from torchclinic.watch.merge import Merged
from torchclinic.watch.notes import explain
from torchclinic.watch.optimizers import Steppers
from torchclinic.watch.options import WatchOptions
from torchclinic.watch.reasons import why_nothing
from torchclinic.watch.session import Session
from torchclinic.watch.target import Target


def build_trace(session: Session, steppers: Steppers, options: WatchOptions) -> Trace:
    """Everything that was read so far.

    Args:
        session: What ran.
        steppers: Who ended steps.
        options: How it was watched.
    """
    recording = session.recording
    recording.read_held()
    targets = recording.layers.in_order()
    merged = Merged(
        recording.store.rows(), recording.layers.targets, recording.parameters, recording.probes
    )
    layers = tuple(
        _layer(session, target, order, merged.of(target)) for order, target in enumerate(targets)
    )
    steps = session.series.series()
    if len(total := merged.total()):
        steps[TOTAL_GRADIENT_NORM] = total
    cost = _cost(session, options)
    notes = merge_notes([*explain(session, layers, steps, cost), *steppers.notes()])
    return Trace(layers, steps, cost, notes, _meta(session, steppers, options))


def _layer(
    session: Session, target: Target, order: int, series: Mapping[str, Series]
) -> TracedLayer:
    missing: dict[str, str] = {}
    if session.recording.store.count:
        missing = {
            probe.name: why_nothing(target, probe)
            for probe in session.recording.probes
            if probe.name not in series
        }
    if not series:
        reasons = dict.fromkeys(missing.values())
        missing = {"*": "; ".join(reasons) if reasons else "no step was read"}
    return TracedLayer(
        target.name,
        target.kind,
        order,
        target.activation,
        bool(target.parameters),
        series,
        missing,
    )


def _cost(session: Session, options: WatchOptions) -> WatchCost:
    store = session.recording.store
    return WatchCost(
        budget=options.budget if options.every is None else 0.0,
        share=session.cadence.share,
        every=options.every or max(store.gap, 1),
        readings=store.count,
        steps=session.step,
    )


def _meta(session: Session, steppers: Steppers, options: WatchOptions) -> dict[str, str]:
    parallel = distributed.is_available() and distributed.is_initialized()
    parameters = session.recording.parameters
    meta = {
        "torch": torch.__version__,
        "model": type(session.recording.model).__name__,
        "optimizer": "" if steppers.first is None else type(steppers.first).__name__,
        "device": str(parameters[0].device) if parameters else "",
        "rank": str(distributed.get_rank() if parallel else 0),
        "world_size": str(distributed.get_world_size() if parallel else 1),
    }
    return meta | ({"loss": options.loss} if options.loss else {})
