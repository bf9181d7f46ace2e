"""Trained models on their way from where they were trained to whoever asked for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor, nn

from torchclinic.core import Recipe, Run
from torchclinic.engine.arm_run import Cell
from torchclinic.engine.outcome import Outcome, attempt
from torchclinic.training import build_model, train


@dataclass(frozen=True)
class Weights:
    """What a trained model is apart from its code: that may be a closure, which cannot travel.

    Attributes:
        state: Its `state_dict`, on the CPU.
    """

    state: Mapping[str, Any]


def weights_of(model: nn.Module) -> Weights:
    """The weights of a model, sharing no memory with it."""
    return Weights({name: _apart(value) for name, value in model.state_dict().items()})


def train_to_keep(recipe: Recipe, seed: int, *, keep_model: bool, **how: Any) -> Run:
    """`train`, with the model of the run, if it is to be kept, as `Weights`."""
    run = train(recipe, seed, keep_model=keep_model, **how)
    return replace(run, model=weights_of(run.model)) if keep_model else run


def with_model(arms: Mapping[str, Recipe], cell: Cell, outcome: Outcome) -> Outcome:
    """The outcome with a model, built anew, in place of its weights."""
    run = outcome.value
    if not isinstance(run, Run) or not isinstance(run.model, Weights):
        return outcome
    built = attempt(partial(_built, arms[cell[0]], cell[1], run.model))
    if built.error is not None:
        return replace(built, error=f"the trained model cannot be built again: {built.error}")
    return replace(outcome, value=replace(run, model=built.value))


def _built(recipe: Recipe, seed: int, weights: Weights) -> nn.Module:
    model = build_model(recipe, seed)
    model.load_state_dict(weights.state)
    return model.eval()


def _apart(value: Any) -> Any:
    return value.detach().cpu().clone() if isinstance(value, Tensor) else value
