"""StartFacts: what the first weights make of the signal along streams and states."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from torchclinic.clinic.preflight.initialisation.recurrence import RecurrentListener
from torchclinic.clinic.preflight.initialisation.sharpness import AttentionListener
from torchclinic.clinic.preflight.plain_model import build_plain
from torchclinic.clinic.preflight.probing import FEW_ROWS
from torchclinic.clinic.preflight.sampling import finite_rows, thinned
from torchclinic.core.facts import EmbeddingFacts, StartFacts
from torchclinic.core.recipe import Recipe
from torchclinic.data import batch_to
from torchclinic.graph import ForwardMap, ForwardRecorder, Op, Role, undisturbed
from torchclinic.graph.layer_kinds import EMBEDDINGS
from torchclinic.graph.op_graph import OpGraph
from torchclinic.graph.shortcuts import shortcuts
from torchclinic.training import compute_loss, seeded

_HANDED_ON = frozenset({Role.SHAPE, Role.DROPOUT, Role.AFFINE, Role.ADD})


def start_facts(recipe: Recipe, seed: int, sample: Any) -> StartFacts | None:
    """How large the signal is along the untrained model's streams and states.

    Args:
        recipe: As it is run.
        seed: Of the model.
        sample: Rows of the training data.

    Returns:
        None for a model without shortcuts, recurrent layers, attention and embeddings.
    """
    model = build_plain(recipe, seed)
    few = batch_to(finite_rows(thinned(sample, FEW_ROWS)), recipe.device)
    sizes: dict[int, float] = {}

    def note(op: Op, output: Tensor) -> None:
        if output.is_floating_point():
            sizes[op.index] = _deviation(output)

    states, looks = RecurrentListener(model), AttentionListener(model)
    with undisturbed(model), seeded(seed):
        model.train()
        recorder = ForwardRecorder(model, on_op=note)
        with states, looks, recorder:
            compute_loss(recipe, model, few)
        seen = recorder.result()
        graph, embeddings = OpGraph(seen.ops, ()), _embeddings(seen)
        read = _embeddings_read(graph, embeddings)
        stream, branches = _stream(graph, sizes)
        found = StartFacts(
            stream=stream,
            branches=branches,
            recurrent=states.facts(read),
            attention=looks.facts(read),
            embeddings=embeddings,
        )
    return None if found == StartFacts() else found


def _deviation(values: Tensor) -> float:
    known = values.detach().double()
    return float(known.std(correction=0)) if known.numel() else math.nan


def _stream(graph: OpGraph, sizes: dict[int, float]) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Sizes of the first shortcut's start and of all sums, and each branch's last layer."""
    found = {shortcut.total: shortcut for shortcut in shortcuts(graph)}
    listed = [found[index] for index in sorted(found)]
    if not listed:
        return (), ()
    places = [listed[0].short, *(shortcut.total for shortcut in listed)]
    stream = tuple(sizes.get(place, math.nan) for place in places)
    return stream, tuple(dict.fromkeys(s.branch[-1] for s in listed if s.branch))


def _embeddings_read(graph: OpGraph, embeddings: Sequence[EmbeddingFacts]) -> dict[str, str]:
    """Name of a layer -> the embedding that makes most of what it is given."""
    sizes, found = {embedding.name: embedding.std for embedding in embeddings}, dict[str, str]()
    for op in graph.ops:
        if op.layer is not None:
            met = [source.layer or "" for source in graph.back(op.inputs, _HANDED_ON)]
            sources = [name for name in met if name in sizes]
            if sources:
                found.setdefault(op.layer, max(sources, key=lambda name: sizes[name]))
    return found


def _embeddings(seen: ForwardMap) -> tuple[EmbeddingFacts, ...]:
    layers = [node for node in seen.layers if node.kind in EMBEDDINGS and node.module is not None]
    return tuple(EmbeddingFacts(node.name, _spread(node.module)) for node in layers)


def _spread(module: nn.Module | None) -> float:
    layer: Any = module
    weight: Tensor = layer.weight.detach()
    if layer.padding_idx is not None and len(weight) > 1:
        keep = [i for i in range(len(weight)) if i != layer.padding_idx % len(weight)]
        weight = weight[keep]
    return _deviation(weight)
