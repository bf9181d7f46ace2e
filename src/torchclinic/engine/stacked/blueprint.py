"""What an arm's runs are made of, as far as stacking them goes."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from torchclinic.core import Recipe
from torchclinic.engine.stacked.gradients import treatment_key
from torchclinic.engine.stacked.optimizers import Rule, flags_of, rule_of, why_no_rule
from torchclinic.engine.stacked.rows import Rows, rows_in_memory
from torchclinic.engine.stacked.structure import frozen, structure, why_no_structure
from torchclinic.training import build_optimizer, seeded
from torchclinic.training.build import check_trainable, resolve_device

# Fields of a recipe that stacks follow; a run with any other of its own is trained alone.
_FOLLOWED = frozenset(
    {
        *("model", "data", "optimizer", "loss", "step", "schedule", "penalties", "batch_size"),
        *("shuffle", "epochs", "steps", "metric", "clip_norm", "clip_value", "accumulate"),
        *("early_stopping", "keep_best", "autocast", "device", "name", "changes"),
    }
)
_SMOOTHED = (nn.CrossEntropyLoss, nn.functional.cross_entropy)


@dataclass(frozen=True, eq=False)
class Blueprint:
    """An arm that may be stacked.

    Attributes:
        model: Its model for one seed, in training mode; a sample.
        rows: Its training data.
        rule: Its optimizer's formula.
        groups: Names of the trained parameters of each optimizer group.
        flags: The options of each group that members must share.
        key: Equal for arms whose runs can be one computation.
    """

    model: nn.Module
    rows: Rows
    rule: type[Rule]
    groups: tuple[tuple[str, ...], ...]
    flags: tuple[dict[str, bool], ...]
    key: Hashable


def draw_up(recipe: Recipe, seed: int) -> Blueprint | str:
    """The blueprint of an arm, or in one line why its runs cannot be stacked.

    Args:
        recipe: The arm's.
        seed: Of the sample that is looked at.
    """
    why = why_no_recipe(recipe)
    if why is not None:
        return why
    rows = rows_in_memory(recipe)
    if isinstance(rows, str):
        return rows
    try:
        model = sample(recipe, seed)
        optimizer = build_optimizer(recipe, model)
    except Exception as error:  # noqa: BLE001 - the run itself will tell of it
        return f"its model or optimizer cannot be built: {type(error).__name__}"
    why = why_no_structure(model) or why_no_rule(optimizer) or _why_no_loss(recipe.loss)
    groups = grouped(model, optimizer)
    if why is not None or groups is None:
        return why or "its optimizer updates tensors that are not parameters of its model"
    rule = rule_of(optimizer)
    assert rule is not None
    flags = tuple(flags_of(optimizer, group, rule) for group in optimizer.param_groups)
    key = (
        structure(model),
        groups,
        (rule, type(optimizer), flags),
        loss_key(recipe.loss),
        treatment_key(recipe),
        rows.key(),
        recipe.device,
    )
    return Blueprint(model, rows, rule, groups, tuple(dict(f) for f in flags), key)  # pyright: ignore[reportArgumentType, reportCallIssue]


STACKED_PENALTIES = ("l1", "l2")


def why_no_recipe(recipe: Recipe) -> str | None:
    """What in a recipe's plain fields keeps its runs from being stacked; None if nothing does."""
    if recipe.step is not None:
        return "it has a step of its own"
    if recipe.accumulate > 1:
        return f"it accumulates the gradients of {recipe.accumulate} batches"
    if recipe.autocast is not None:
        return f"it runs under autocast to {recipe.autocast}"
    for penalty in recipe.penalties:
        if penalty.kind not in STACKED_PENALTIES:
            return f"it has a penalty of kind {penalty.kind!r}"
    for field in dataclasses.fields(recipe):
        if field.name not in _FOLLOWED and getattr(recipe, field.name) != field.default:
            return f"it sets {field.name}"
    return None


def sample(recipe: Recipe, seed: int) -> nn.Module:
    """A model as the run with this seed will have it, which is not counted as handed out."""
    if isinstance(recipe.model, nn.Module):
        model = copy.deepcopy(recipe.model)
    else:
        with seeded(seed):
            model = recipe.model()
    check_trainable(model)
    return model.to(resolve_device(recipe.device)).train()


def grouped(model: nn.Module, optimizer: Optimizer) -> tuple[tuple[str, ...], ...] | None:
    """Names of the trained parameters of each group; None if some belong to no module."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found: list[tuple[str, ...]] = []
    for group in optimizer.param_groups:
        trained = [p for p in group["params"] if p.requires_grad]
        if any(id(parameter) not in names for parameter in trained):
            return None
        found.append(tuple(names[id(parameter)] for parameter in trained))
    return tuple(found)


def loss_key(loss: Any) -> Hashable:
    """A value equal for losses that differ in nothing but label smoothing.

    >>> loss_key(nn.CrossEntropyLoss(label_smoothing=0.1)) == loss_key(nn.CrossEntropyLoss())
    True
    >>> loss_key(nn.MSELoss()) == loss_key(nn.MSELoss(reduction="sum"))
    False
    """
    if isinstance(loss, partial):
        options = {k: v for k, v in loss.keywords.items() if not _smooths(loss.func, k)}
        return "partial", loss_key(loss.func), frozen(loss.args), frozen(options)
    if not isinstance(loss, nn.Module):
        return id(loss)
    plain = {k: v for k, v in vars(loss).items() if not (k.startswith("_") or _smooths(loss, k))}
    values = tuple((n, tuple(b.flatten().tolist())) for n, b in loss.named_buffers())
    return type(loss), frozen(plain), values, len(list(loss.children())) and id(loss)


def _smooths(loss: Any, option: str) -> bool:
    known: Sequence[Any] = _SMOOTHED
    return option == "label_smoothing" and (loss in known or type(loss) in known)


def _why_no_loss(loss: Any) -> str | None:
    if isinstance(loss, nn.Module) and any(True for _ in loss.parameters()):
        return "its loss has parameters"
    return None


def alike(model: nn.Module, blueprint: Blueprint, optimizer: Optimizer) -> bool:
    """Whether a run's real model and optimizer are as the blueprint has them."""
    same = structure(model) == structure(blueprint.model)
    return same and grouped(model, optimizer) == blueprint.groups


def device_of(blueprint: Blueprint) -> torch.device:
    """Where the arm's models live."""
    return next(blueprint.model.parameters()).device
