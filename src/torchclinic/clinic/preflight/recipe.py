"""RecipeFacts: what the recipe says, as the factories build it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from torch import nn
from torch.optim import Optimizer

from torchclinic.clinic.preflight.observing import Observation
from torchclinic.clinic.preflight.plain_model import build_plain
from torchclinic.clinic.preflight.probing import FEW_ROWS, probe
from torchclinic.clinic.preflight.sampling import finite_rows, sample_of
from torchclinic.clinic.preflight.tensors import target_facts
from torchclinic.clinic.preflight.wiring.norms import norm_facts
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import LossKind, ModelFacts, OptimizerFacts, RecipeFacts, Task
from torchclinic.core.recipe import Recipe
from torchclinic.core.schedule import Schedule
from torchclinic.data import batch_to, count_rows
from torchclinic.graph import linearity_residual, model_facts
from torchclinic.training import (
    build_optimizer,
    check_trainable,
    first_weights,
    forward,
    loss_kind,
    loss_name,
    planned_steps,
    preserved,
    resolve_metric,
    seeded,
    split_batch,
)

OTHER_SEED = 20_011  # of a second model, to see what in it is drawn at random


def recipe_facts(recipe: Recipe, seed: int = 0, *, sample: Any = None) -> RecipeFacts:
    """Facts about loss, task, optimizer, model and length.

    Args:
        recipe: The recipe; its model is built once and one small forward pass is made.
        seed: Of the model.
        sample: Rows of the training data, where the caller has drawn them already.

    Raises:
        ModelError, RecipeError, DataError: When model, optimizer or batches cannot be built.
    """
    model = build_plain(recipe, seed).train()
    check_trainable(model)
    optimizer = build_optimizer(recipe, model)
    with preserved():
        rows = sample_of(recipe, recipe.splits.train, FEW_ROWS) if sample is None else sample
        rows = batch_to(finite_rows(rows), recipe.device)
    with seeded(seed):
        seen, facts = _structure(recipe, model, rows)
    kind = loss_kind(recipe.loss) if seen is None else seen.kind
    metric = resolve_metric(recipe)
    planned = planned_steps(recipe)
    return RecipeFacts(
        name=recipe.name,
        loss=loss_name(recipe.loss) if seen is None else seen.name,
        loss_kind=kind,
        task=_task(kind, seen),
        optimizer=optimizer_facts(optimizer, model),
        model=facts,
        batch_size=recipe.batch_size,
        train_rows=count_rows(recipe.splits.train),
        validation_rows=None
        if recipe.splits.validation is None
        else count_rows(recipe.splits.validation),
        steps_per_epoch=None if planned is None or not recipe.epochs else planned // recipe.epochs,
        planned_steps=planned,
        shuffle=recipe.shuffle,
        metric=None if metric is None else metric.name,
        higher_is_better=metric is not None and metric.higher_is_better,
        schedule=_schedule_name(recipe),
        clip_norm=recipe.clip_norm,
        penalties=tuple(f"{p.kind} {p.weight:g}" for p in recipe.penalties),
        early_stopping=recipe.early_stopping is not None,
        custom_step=recipe.step is not None,
        clip_value=recipe.clip_value,
        max_norm=recipe.max_norm,
        patience=None if recipe.early_stopping is None else recipe.early_stopping.patience,
        min_delta=0.0 if recipe.early_stopping is None else recipe.early_stopping.min_delta,
        averages=recipe.averaging is not None,
        first_weights=first_weights(recipe),
    )


def _attends(model: nn.Module, seen: Observation) -> bool:
    layers = any(isinstance(module, nn.MultiheadAttention) for module in model.modules())
    names = {op.name for op in seen.forward_map.ops}
    return layers or bool(names & {"scaled_dot_product_attention", "multi_head_attention_forward"})


def frozen_anew(recipe: Recipe, model: nn.Module) -> bool | None:
    """Whether frozen weights come out differently when the model is built under another seed."""
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad and p.dim() > 1]
    if not frozen or isinstance(recipe.model, nn.Module):
        return None
    try:
        other = dict(build_plain(recipe, OTHER_SEED).named_parameters())
    except TorchclinicError:
        return None
    held = dict(model.named_parameters())
    return any(name in other and not other[name].equal(held[name]) for name in frozen)


def optimizer_facts(optimizer: Optimizer, model: nn.Module) -> OptimizerFacts:
    """What the optimizer holds, against what the model has."""
    names = {id(p): name for name, p in model.named_parameters()}
    held = Counter(id(p) for group in optimizer.param_groups for p in group["params"])
    groups = optimizer.param_groups
    return OptimizerFacts(
        name=type(optimizer).__name__,
        learning_rates=tuple(float(group.get("lr", float("nan"))) for group in groups),
        momentum=max((_momentum(group) for group in groups), default=0.0),
        weight_decay=max((float(group.get("weight_decay") or 0) for group in groups), default=0.0),
        missing=tuple(
            name for name, p in model.named_parameters() if p.requires_grad and id(p) not in held
        ),
        foreign=sum(1 for key in held if key not in names),
        repeated=tuple(names[key] for key, times in held.items() if times > 1 and key in names),
    )


def _structure(
    recipe: Recipe, model: nn.Module, sample: Any
) -> tuple[Observation | None, ModelFacts]:
    try:
        seen, few, _ = probe(recipe, model, sample)
    except TorchclinicError:
        return None, model_facts(model)
    facts = model_facts(model, seen.forward_map)
    inputs, _ = split_batch(few)
    try:
        residual = linearity_residual(model, inputs, forward, seen.forward_map)
    except TorchclinicError:
        residual = None
    norms = norm_facts(model, inputs, recipe.batch_size)
    return seen, dataclasses.replace(
        facts,
        linearity_residual=residual,
        norm_layers=norms,
        frozen_anew=frozen_anew(recipe, model),
        attention=_attends(model, seen),
    )


def _task(kind: LossKind, seen: Observation | None) -> Task:
    if kind in ("bce", "bce-with-logits"):
        return "binary"
    if kind in ("cross-entropy", "nll"):
        return "classification"
    targets = target_facts(None if seen is None else seen.target, kind).kind
    if kind == "hinge":  # a margin between classes, or the signs -1 and +1
        return "classification" if targets == "classes" else "binary"
    if targets in ("one-hot", "classes") and kind != "custom":
        return "classification"
    if kind in ("mse", "l1", "huber"):
        return "binary" if targets == "binary" else "regression"
    return "unknown"


def _momentum(group: dict[str, Any]) -> float:
    betas = group.get("betas")
    return float(betas[0]) if betas else float(group.get("momentum") or 0.0)


def _schedule_name(recipe: Recipe) -> str | None:
    if recipe.schedule is None:
        return None
    if isinstance(recipe.schedule, Schedule):
        return recipe.schedule.name
    inner = getattr(recipe.schedule, "func", recipe.schedule)
    return getattr(inner, "__name__", type(inner).__name__)
