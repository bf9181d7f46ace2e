"""What the first weights make of the signal, where it runs along a stream or through a state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RecurrentFacts:
    """A recurrent layer before training, on the first rows; of several layers in one, the first.

    Attributes:
        name: As in LayerFacts.
        kind: "RNN", "LSTM", "GRU", or a cell of these.
        steps: Time steps that were looked at.
        input_rms: Root mean square of what it is given.
        gain: Root mean square of its recurrent weights times the root of its units, the largest of
            its layers: about the factor by which they stretch a state.
        from_inputs: Root mean square of what inputs give to the pre-activations.
        from_state: The same of what the state gives to them.
        saturated: Share of the gates (of a tanh RNN: units) that are where their function is flat,
            over all steps; None where nothing saturates.
        per_step: Factor by which the state grows from one step to the next, geometric mean.
        overflows: Whether the state stops being finite.
        fed_by: Name of the embedding that it reads, "" for anything else.
    """

    name: str
    kind: str
    steps: int
    input_rms: float
    gain: float
    from_inputs: float
    from_state: float
    saturated: float | None = None
    per_step: float | None = None
    overflows: bool = False
    fed_by: str = ""


@dataclass(frozen=True)
class AttentionFacts:
    """An attention layer before training, on the first rows.

    Attributes:
        name: As in LayerFacts.
        input_rms: Root mean square of its queries, before they are projected.
        sharp: Share of the queries that give nearly all of their weight to one key, though they may
            look at several.
        fed_by: Name of the embedding that it reads, "" for anything else.
    """

    name: str
    input_rms: float
    sharp: float
    fed_by: str = ""


@dataclass(frozen=True)
class EmbeddingFacts:
    """An embedding before training.

    Attributes:
        name: As in LayerFacts.
        std: Standard deviation of its weights, without the row of the padding.
    """

    name: str
    std: float


@dataclass(frozen=True)
class StartFacts:
    """How large the signal is where LayerReadings do not look.

    Attributes:
        stream: Standard deviation of what the first shortcut starts from, and of each sum of a
            shortcut and a branch, in forward order.
        branches: Last layer of each of these branches.
        recurrent: Recurrent layers in forward order.
        attention: Attention layers in forward order.
        embeddings: Embeddings in forward order.
    """

    stream: tuple[float, ...] = ()
    branches: tuple[str, ...] = ()
    recurrent: tuple[RecurrentFacts, ...] = ()
    attention: tuple[AttentionFacts, ...] = ()
    embeddings: tuple[EmbeddingFacts, ...] = ()
