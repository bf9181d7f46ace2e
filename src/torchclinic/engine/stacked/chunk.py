"""One chunk of runs, trained from beginning to end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from torchclinic.core import Recipe
from torchclinic.data import batches
from torchclinic.engine.arm_run import Cell
from torchclinic.engine.outcome import Outcome, attempt
from torchclinic.engine.stacked.blueprint import Blueprint, alike, device_of
from torchclinic.engine.stacked.choosing import Make
from torchclinic.engine.stacked.layout import lay_out
from torchclinic.engine.stacked.mass import Mass
from torchclinic.engine.stacked.member import Member
from torchclinic.engine.stacked.mlp.dropout import Draws
from torchclinic.engine.stacked.network import Network
from torchclinic.engine.stacked.stack import Stack
from torchclinic.training import preserved
from torchclinic.training.evaluations import Evaluations

UNLIKE = "not stacked: with this seed its model is of another structure"


def run_chunk(
    cells: Sequence[Cell],
    arms: Mapping[str, Recipe],
    blueprints: Mapping[str, Blueprint],
    make: Make,
    *,
    max_steps: int | None,
    test: bool,
    keep_models: bool = False,
) -> tuple[Outcome, ...]:
    """Train these runs as one stack.

    Returns:
        An outcome for each. One that is not final is to be run by itself.
    """
    started = time.perf_counter()
    with preserved():
        how = {"max_steps": max_steps, "test": test, "keep_model": keep_models}
        made = _members(cells, arms, how)
        fit = [m for m in made.values() if isinstance(m, Member) and _fits(m, blueprints)]
        if fit:
            _stack(fit, blueprints, make).run()
    share = (time.perf_counter() - started) / len(cells)
    return tuple(replace(_outcome(made[cell], fit), seconds=share) for cell in cells)


def _members(
    cells: Sequence[Cell], arms: Mapping[str, Recipe], how: Mapping[str, Any]
) -> dict[Cell, Member | Outcome]:
    """The members, or why one cannot be set up."""
    begin: dict[str, Callable[[Cell], Member]] = {}
    made: dict[Cell, Member | Outcome] = {}
    for cell in cells:
        arm = cell[0]
        if arm not in begin:
            begin[arm] = _beginner(arms[arm], **how)
        done = attempt(partial(begin[arm], cell))
        made[cell] = done if done.value is None else done.value
    return made


def _beginner(
    recipe: Recipe, *, max_steps: int | None, test: bool, keep_model: bool
) -> Callable[[Cell], Member]:
    train = recipe.splits.train
    data = batches(train, batch_size=recipe.batch_size, shuffle=recipe.shuffle)
    evaluations = Evaluations(recipe, data, test=test, evaluate_train=False)
    given = (recipe, data, evaluations, max_steps)
    return lambda cell: Member(cell, *given, keep_model=keep_model)


def _fits(member: Member, blueprints: Mapping[str, Blueprint]) -> bool:
    return alike(member.model, blueprints[member.cell[0]], member.run.optimizer)


def _stack(members: Sequence[Member], blueprints: Mapping[str, Blueprint], make: Make) -> Stack:
    blueprint = blueprints[members[0].cell[0]]
    layout = lay_out(blueprint.model, blueprint.groups)

    def make_network(present: Sequence[Member], mass: Mass, draws: Draws) -> Network:
        return make([m.recipe for m in present], [m.model for m in present], mass, draws)

    rows = blueprint.rows.to(device_of(blueprint))
    return Stack(members, rows, layout, blueprint.rule, blueprint.flags, make_network)


def _outcome(made: Member | Outcome, fit: Sequence[Member]) -> Outcome:
    if isinstance(made, Outcome):
        return made
    if made not in fit:
        return Outcome(None, UNLIKE, final=False)
    assert made.outcome is not None
    return made.outcome
