"""Cases whose first weights are too large, or are all that an average is made of."""

from dataclasses import replace

from rules.healthy_cases import digits_mlp, evaluations, flat
from torchclinic.core import (
    AttentionFacts,
    EmbeddingFacts,
    RateTrialFacts,
    RecurrentFacts,
    StartFacts,
)


def with_start(case, **fields):
    return replace(case, batch=replace(case.batch, start=StartFacts(**fields)))


def lost(case, level=2.31):
    """The same training, whose loss stays where it is."""
    seen = evaluations([level] * 4, [level] * 4, [0.1] * 4)
    losses = flat(level)
    steps = {**case.trace.steps, "loss": replace(case.trace.steps["loss"], values=losses)}
    return replace(
        case,
        history=replace(case.history, losses=losses, evaluations=seen),
        trace=replace(case.trace, steps=steps),
        predictions=None,
    )


def restarted(case, tried, loss=2.31):
    """With the run from first weights of a usual scale."""
    return replace(case, restarted=RateTrialFacts(0.1, 0.1, 400, "validation", loss, tried))


def stream(sums=24, factor=1.7, first=0.3):
    sizes = tuple(first * factor**k for k in range(sums + 1))
    return {"stream": sizes, "branches": tuple(f"{k}.b" for k in range(1, sums + 1))}


def recurrent(**fields):
    plain = {
        "name": "body",
        "kind": "RNN",
        "steps": 24,
        "input_rms": 0.7,
        "gain": 5.7,
        "from_inputs": 0.1,
        "from_state": 3e11,
        "per_step": 3.8,
    }
    return RecurrentFacts(**{**plain, **fields})


def flat_gates(**fields):
    """A GRU behind an embedding whose vectors are 30 in size."""
    plain = {
        "name": "body",
        "kind": "GRU",
        "steps": 16,
        "input_rms": 28.0,
        "gain": 0.58,
        "from_inputs": 13.5,
        "from_state": 0.5,
        "saturated": 0.76,
        "fed_by": "embed",
    }
    return RecurrentFacts(**{**plain, **fields})


def growing_stream():
    return lost(with_start(digits_mlp(), **stream()))


def exploding_state():
    return lost(with_start(digits_mlp(), recurrent=(recurrent(),)))


def wide_vectors(**fields):
    found = with_start(
        digits_mlp(),
        recurrent=(flat_gates(**fields),),
        embeddings=(EmbeddingFacts("embed", 30.0),),
    )
    return lost(found)


def one_key(sharp=0.9, size=30.0):
    """Attention that sees one key, since what it reads is too large."""
    found = with_start(
        digits_mlp(),
        attention=(AttentionFacts("attention", size, sharp, "embed"),),
        embeddings=(EmbeddingFacts("embed", size),),
    )
    return lost(found)


def lagging(share=0.97, average=2.25):
    """Weights that learn, and an average of them that is the untrained model."""
    case = digits_mlp()
    seen = evaluations([2.3, 2.28, 2.26, average], [2.3, 2.28, 2.26, average], [0.1] * 4)
    case = replace(case, history=replace(case.history, evaluations=seen))
    return replace(case, recipe=replace(case.recipe, averages=True, first_weights=share))


SICK_START = {
    "INI106": growing_stream,
    "INI107": exploding_state,
    "INI108": wide_vectors,
    "REG102": lagging,
}
