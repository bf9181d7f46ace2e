"""Monte-Carlo dropout: the distribution of a model's predictions under its own dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.core import ModelError, UsageError
from torchclinic.graph import undisturbed
from torchclinic.nn.checks import at_least, probability
from torchclinic.nn.uncertainty.extent import Extent, measure
from torchclinic.nn.uncertainty.methods import Method, choose_method
from torchclinic.nn.uncertainty.prediction import Prediction
from torchclinic.nn.uncertainty.sampler import Sampler
from torchclinic.nn.uncertainty.structure import (
    Forward,
    Inputs,
    count_rows,
    device_of,
    forward_of,
)
from torchclinic.nn.uncertainty.summary import resolve_task, rows_to_summarise, summarise
from torchclinic.nn.uncertainty.switches import dropout_like, only_dropout_training

LEVELS = (0.05, 0.95)


def predict_distribution(  # noqa: PLR0913 - the six last are seldom needed
    model: nn.Module,
    x: Any,
    samples: int = 1000,
    quantiles: Sequence[float] = LEVELS,
    task: str = "auto",
    *,
    generator: torch.Generator | int = 0,
    chunk: int | None = None,
    method: str = "auto",
    keep_draws: bool = False,
) -> Prediction:
    """Ask a model many times, each time with other units dropped, and summarise the answers.

    Only modules that drop at random are switched on (see `dropout_like`); batch norm and all else
    stay in evaluation mode. The draws are made as one batched computation in chunks: layers before
    the first dropout run once, and where rows do not depend on each other one mask a draw serves
    all rows, so that each draw is one thinned net. The model's modes, buffers and gradients and all
    random states are afterwards what they were, whatever happens inside.

    **Shape**: x has rows first; statistics are (N, ...) like the output.
    **Units**: of the output; probabilities for classes; entropies in nats.

    Args:
        model: With dropout. Its randomness must come from torch's generators.
        x: A tensor, or a tuple or mapping of tensors, which are handed over as arguments.
        samples: Number of draws.
        quantiles: Levels of the quantiles.
        task: "auto", "classification" (scores or log probabilities in dimension 1), "binary" (one
            score), "probabilities", or "regression". "auto" takes two or more columns as classes.
        generator: A seed, or a generator from which a seed is taken.
        chunk: Draws at once; None for as many as suit the cache of the CPU or the memory of the
            GPU. Other chunks give other draws.
        method: "auto", "nets", "batches", "repeat" or "loop"; see `choose_method`.
        keep_draws: Whether to return all draws (samples x N x ... numbers).

    Returns:
        Mean, standard deviation, quantiles, and for classes entropy and mutual information.

    Raises:
        UsageError: For fewer than 1 sample, a level outside [0, 1], another task or method.
        DataError: If x has no rows.
        ModelError: If nothing in the model drops, or its output has no rows.

    Source: Gal and Ghahramani 2016, "Dropout as a Bayesian Approximation", arXiv 1506.02142.

    >>> model = nn.Sequential(nn.Dropout(0.5), nn.Linear(1, 1))
    >>> _ = nn.init.ones_(model[1].weight), nn.init.zeros_(model[1].bias)
    >>> found = predict_distribution(model, torch.ones(1, 1), samples=4000)
    >>> round(found.mean.item(), 1), round(found.std.item(), 1), found.quantiles.flatten().tolist()
    (1.0, 1.0, [0.0, 2.0])
    """
    at_least(samples, 1, "samples")
    levels, seed = _levels(quantiles), _seed(generator)
    count_rows(x)
    with undisturbed(model), torch.no_grad():
        forward = forward_of(model.eval())
        extent = measure(model, forward, x)
        _require_dropout(model, extent)
        task = resolve_task(task, extent.output)
        chosen = choose_method(model, forward, x, method)
        sampler = _sampler(chosen, forward, x, extent, samples, chunk, seed)
        with only_dropout_training(model):
            parts = [
                _summary(few, task, levels, keep_draws)
                for draws in sampler.blocks(x)
                for few in draws.split(rows_to_summarise(draws))
            ]
    return Prediction(
        task=task,
        levels=levels,
        samples=samples,
        method=chosen.name,
        notes=tuple(_note(name) for name in extent.functional),
        **_joined(parts),
    )


def _sampler(
    chosen: Method,
    forward: Forward,
    x: Inputs,
    extent: Extent,
    samples: int,
    chunk: int | None,
    seed: int,
) -> Sampler:
    item = extent.output.element_size()
    rows = min(count_rows(x), extent.rows_at_once(samples, item))
    if chosen.name == "loop":
        size = 1
    elif chunk is None:
        size = extent.samples_at_once(rows, item, cuda=device_of(x).type == "cuda")
    else:
        size = at_least(chunk, 1, "chunk")
    return Sampler(forward, chosen.draw, samples, min(size, samples), rows, seed)


def _summary(
    draws: Tensor, task: str, levels: tuple[float, ...], keep_draws: bool
) -> dict[str, Tensor | None]:
    kept = draws.movedim(-1, 0).clone() if keep_draws else None
    return {**summarise(draws, task, levels), "draws": kept}


def _joined(parts: list[dict[str, Tensor | None]]) -> dict[str, Any]:
    """The statistics of all rows; those with a leading dimension of their own along the next."""
    joined: dict[str, Any] = {}
    for name in parts[0]:
        tensors = [part[name] for part in parts]
        rows_in = 1 if name in ("quantiles", "draws") else 0
        found = [tensor for tensor in tensors if tensor is not None]
        joined[name] = torch.cat(found, rows_in) if found else None
    return joined


def _require_dropout(model: nn.Module, extent: Extent) -> None:
    if dropout_like(model):
        return
    hint = "put nn.Dropout or another module of torchclinic.nn.dropout into it"
    if extent.functional:
        where = ", ".join(repr(name) for name in extent.functional)
        hint = f"{where} calls dropout as a function, which cannot be switched on: make it a module"
    raise ModelError(f"{type(model).__name__} has no module that drops anything", hint=hint)


def _note(name: str) -> str:
    where = repr(name) if name else "the model"
    return f"dropout that {where} calls as a function stays off; make it a module to switch it on"


def _levels(quantiles: Sequence[float]) -> tuple[float, ...]:
    levels = tuple(probability(level, "a quantile") for level in quantiles)
    if not levels or list(levels) != sorted(levels):
        raise UsageError(f"quantiles is {quantiles!r}", hint="give levels in ascending order")
    return levels


def _seed(generator: torch.Generator | int) -> int:
    if isinstance(generator, torch.Generator):
        drawn = torch.randint(2**62, (), generator=generator, device=generator.device)
        return int(drawn)
    return at_least(generator, 0, "generator")
