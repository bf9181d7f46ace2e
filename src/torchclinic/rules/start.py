"""First weights that make the signal too large along streams, through states and gates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from torchclinic.core.facts import AttentionFacts, Case, RecurrentFacts, StartFacts
from torchclinic.core.finding import Evidence, Level
from torchclinic.rules import thresholds as t
from torchclinic.rules.evidence import above, fact
from torchclinic.rules.grading import gated, state_of
from torchclinic.rules.initial import initial_excess
from torchclinic.rules.rates import helps, without_low_rate
from torchclinic.rules.wording import number

NOTHING = StartFacts()


@dataclass(frozen=True)
class Stream:
    """A residual stream that grows from sum to sum.

    Attributes:
        first: Standard deviation before the first sum.
        last: The same after the last.
        sums: Number of sums.
        per_sum: Factor a sum, geometric mean over the second half of them.
    """

    first: float
    last: float
    sums: int
    per_sum: float


@dataclass(frozen=True)
class LargeEmbedding:
    """An embedding whose vectors are larger than what reads them is made for.

    Attributes:
        name: As in LayerFacts.
        rms: Size of the vectors as they are read.
        gates: Recurrent layers whose gates they drive to where they are flat.
        looks: Attention layers that they make one-hot.
        sure: Whether the untrained loss is far above that of guessing.
    """

    name: str
    rms: float
    gates: tuple[RecurrentFacts, ...] = ()
    looks: tuple[AttentionFacts, ...] = ()
    sure: bool = False


@dataclass(frozen=True)
class Rescaling:
    """What brings a layer's first weights to a usual scale.

    Attributes:
        layer: As in LayerFacts.
        part: Its weight, or its recurrent weights.
        factor: By which they are multiplied.
    """

    layer: str
    part: Literal["weight", "recurrent"]
    factor: float


def growing_stream(case: Case) -> Stream | None:
    """The stream, where each sum multiplies it.

    Branches of one size add to a stream's variance, so that it grows with the root of their number:
    over the second half of the sums by 1.4 in all. Only branches that are as large as what they are
    added to multiply it.

    >>> growing_stream(Case()) is None
    True
    """
    sizes = _start(case).stream
    sums = len(sizes) - 1
    if sums < t.STREAM_SUMS or not 0 < sizes[0] < math.inf:
        return None
    middle = sums // 2
    known = [i for i in range(middle + 1, sums + 1) if 0 < sizes[i] < math.inf]
    if not known or not 0 < sizes[middle] < math.inf:
        return None
    end = known[-1]
    last = sizes[end] if end == sums else math.inf
    per_sum = (sizes[end] / sizes[middle]) ** (1 / (end - middle))
    grows = per_sum > t.STREAM_PER_SUM and last / sizes[0] > t.STREAM_GROWTH
    return Stream(sizes[0], last, sums, per_sum) if grows else None


def explodes(layer: RecurrentFacts) -> bool:
    """Whether the state of a layer grows from step to step, over all bounds."""
    if layer.overflows:
        return True
    factor = layer.per_step
    if factor is None or not factor > t.STATE_PER_STEP:
        return False
    return (layer.steps - 1) * math.log(factor) > math.log(t.STATE_GROWTH)


def large_recurrences(case: Case) -> tuple[RecurrentFacts, ...]:
    """Recurrent layers whose recurrent weights make the state explode, or lie at its bounds."""
    return tuple(
        layer
        for layer in _start(case).recurrent
        if layer.gain > t.GAIN_HIGH
        and (explodes(layer) or (flat(layer) and not _from_inputs(layer)))
    )


def flat(layer: RecurrentFacts) -> bool:
    """Whether most gates lie where their function is flat."""
    return layer.saturated is not None and layer.saturated > t.SATURATED


def large_embeddings(case: Case) -> tuple[LargeEmbedding, ...]:
    """Embeddings so large that gates are flat, attention one-hot or scores sure from the start."""
    start, sure = _start(case), any(True for _ in too_sure(case))
    found: list[LargeEmbedding] = []
    for embedding in start.embeddings:
        gates = [x for x in start.recurrent if x.fed_by == embedding.name]
        looks = [x for x in start.attention if x.fed_by == embedding.name]
        sizes = [x.input_rms for x in (*gates, *looks)]
        large = LargeEmbedding(
            embedding.name,
            max(sizes, default=embedding.std),
            tuple(x for x in gates if flat(x) and _from_inputs(x)),
            tuple(x for x in looks if x.sharp > t.SHARP),
            sure,
        )
        if large.rms > t.EMBEDDING_LARGE and (large.gates or large.looks or sure):
            found.append(large)
    return tuple(found)


def usual_scale(case: Case) -> tuple[Rescaling, ...]:
    """What would bring all first weights that are suspected to a usual scale.

    >>> usual_scale(Case())
    ()
    """
    return tuple(_rescalings(case))


def _rescalings(case: Case) -> Iterator[Rescaling]:
    stream = growing_stream(case)
    if stream is not None:
        branch = math.sqrt(max(stream.per_sum**2 - 1, 0.0))  # its size over the stream's
        factor = min(1.0, 1 / (branch * math.sqrt(stream.sums)))
        yield from (Rescaling(name, "weight", factor) for name in _start(case).branches)
    for layer in large_recurrences(case):
        yield Rescaling(layer.name, "recurrent", 1 / layer.gain)
    for embedding in large_embeddings(case):
        yield Rescaling(embedding.name, "weight", 1 / embedding.rms)


def level_of_start(case: Case, signals: int) -> Level:
    """Of first weights that are too large: as loud as the run from usual ones shows them to be."""
    state, again = state_of(case), case.restarted
    if again is None:
        return gated(state, signals)
    if not helps(case, again):
        return Level.INFO
    return Level.ERROR if state.hurt else Level.WARNING


def too_sure(case: Case) -> Iterable[Evidence]:
    """Scores that are large from the start: what a signal that is too large does to the loss."""
    excess = initial_excess(case)
    if excess is not None and excess > t.INITIAL_LOSS:
        yield above("initial loss above that of guessing, relative", excess, t.INITIAL_LOSS)


def proof(case: Case) -> Iterable[Evidence]:
    """The loss of the run from usual first weights."""
    again = case.restarted
    if again is not None:
        yield fact(f"{again.split} loss from first weights of a usual scale", again.tried)


def told(case: Case) -> str:
    """The same in a sentence."""
    again = case.restarted
    if again is None:
        return ""
    return (
        f" The training was made once more with first weights of a usual scale: it ends at "
        f"{number(again.tried)} on {again.split} rows, in place of {number(again.loss)}."
    )


def follows(case: Case, explains: tuple[str, ...]) -> tuple[str, ...]:
    """What is a consequence of first weights: a low rate only where another start shows it."""
    shown = case.restarted is not None and helps(case, case.restarted)
    return explains if shown else without_low_rate(case, explains)


def _start(case: Case) -> StartFacts:
    found = case.batch.start if case.batch is not None else None
    return NOTHING if found is None else found


def _from_inputs(layer: RecurrentFacts) -> bool:
    return layer.from_inputs >= layer.from_state
