"""A training loop without torchclinic: the corpus's own witness of what a recipe reaches."""

import inspect
import itertools
import math
from functools import partial

import torch
from torch import nn

from torchclinic.core import Recipe, Schedule
from torchclinic.data import batches


def score(recipe: Recipe, seed: int = 0) -> float:
    """Train and return the score on the test set: accuracy, or R^2 for real targets.

    A training that raises scores -inf. Scores do not depend on the scale of inputs, targets or
    loss, so that a faulty training can be compared with its base.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return judged(trained(recipe, seed), recipe)
        except (RuntimeError, ValueError, IndexError):
            return -math.inf


def trained(recipe: Recipe, seed: int) -> nn.Module:
    """The model after the whole training."""
    model = recipe.model() if not isinstance(recipe.model, nn.Module) else recipe.model
    optimizer = _optimizer(recipe, model)
    data = batches(recipe.splits.train, batch_size=recipe.batch_size, shuffle=recipe.shuffle)
    per_epoch = max(1, len(data) // recipe.accumulate)
    total = recipe.steps or recipe.epochs * per_epoch
    scheduler, per_step = _scheduler(recipe, optimizer, total, per_epoch)
    step = recipe.step or partial(_loss, recipe)
    generator = torch.Generator().manual_seed(seed)
    done, average = 0, None
    model.train()
    while done < total:
        stream = data.epoch(generator)
        while done < total and (group := list(itertools.islice(stream, recipe.accumulate))):
            optimizer.zero_grad()
            for batch in group:
                ((step(model, batch) + _penalty(recipe, model)) / len(group)).backward()
            _clip(recipe, model)
            optimizer.step()
            average = _averaged(recipe, model, average)
            done += 1
            if scheduler and per_step:
                scheduler.step()
        if scheduler and not per_step:
            scheduler.step()
    if average is not None:
        nn.utils.vector_to_parameters(average, model.parameters())
    return model


def _averaged(recipe: Recipe, model: nn.Module, before: torch.Tensor | None):
    """The moving average of the weights, for a recipe that has one."""
    if recipe.averaging is None:
        return None
    now = nn.utils.parameters_to_vector(model.parameters()).detach()
    keep = recipe.averaging.decay
    return now if before is None else keep * before + (1 - keep) * now


def judged(model: nn.Module, recipe: Recipe) -> float:
    """Accuracy or R^2 on the test set (else the validation set)."""
    splits = recipe.splits
    part = splits.test if splits.test is not None else splits.validation
    model.eval()
    pairs = []
    with torch.no_grad():
        for batch in batches(part, batch_size=512).epoch():
            inputs, targets = _pair(batch)
            outputs = _call(model, inputs)
            pairs.append((outputs[0] if isinstance(outputs, tuple) else outputs, targets))
    outputs = torch.cat([o for o, _ in pairs])
    targets = torch.cat([t for _, t in pairs])
    return _score(outputs, targets, binary="BCE" in type(recipe.loss).__name__)


def _score(outputs, targets, *, binary):
    if not torch.isfinite(outputs).all():
        return -math.inf
    if not targets.is_floating_point() and outputs.dim() > 1 and outputs.shape[1] > 1:
        return (outputs.argmax(1) == targets).float().mean().item()
    if binary and set(targets.unique().tolist()) <= {-1.0, 0.0, 1.0}:
        inside = outputs.min() >= 0 and outputs.max() <= 1
        yes = outputs.flatten() > (0.5 if inside else 0.0)
        return (yes == (targets.flatten() > 0.5)).float().mean().item()
    if outputs.dim() == 2 and outputs.shape[1] > 2 and bool((targets.sum(1) == 1).all()):
        return (outputs.argmax(1) == targets.argmax(1)).float().mean().item()
    targets = targets.reshape(outputs.shape).double()
    residual = (outputs.double() - targets).square().mean()
    return 1 - (residual / targets.var(0, unbiased=False).mean()).item()


def _optimizer(recipe, model):
    names = list(inspect.signature(recipe.optimizer).parameters)
    return recipe.optimizer(model if names and names[0] == "model" else model.parameters())


def _scheduler(recipe, optimizer, total, per_epoch):
    chosen = recipe.schedule
    if chosen is None:
        return None, False
    if isinstance(chosen, Schedule):
        per_step = chosen.per == "step"
        length = total if per_step else math.ceil(total / per_epoch)
        return chosen.factory(optimizer, length), per_step
    return chosen(optimizer), False


def _loss(recipe, model, batch):
    inputs, targets = _pair(batch)
    return recipe.loss(_call(model, inputs), targets)


def _pair(batch):
    if isinstance(batch, dict):
        return {k: v for k, v in batch.items() if k != "labels"}, batch["labels"]
    return batch[0], batch[1]


def _call(model, inputs):
    return model(**inputs) if isinstance(inputs, dict) else model(inputs)


def _penalty(recipe, model):
    total = 0.0
    for penalty in recipe.penalties:
        for parameter in model.parameters():
            if parameter.dim() > 1 or not penalty.skip_norms_and_biases:
                size = parameter.abs() if penalty.kind == "l1" else parameter.square()
                total = total + penalty.weight * size.sum()
    return total


def _clip(recipe, model):
    if recipe.clip_norm:
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
    if recipe.clip_value:
        nn.utils.clip_grad_value_(model.parameters(), recipe.clip_value)
