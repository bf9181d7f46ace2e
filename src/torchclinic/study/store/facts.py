"""What decides an arm's numbers, as words that are the same in every process."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

from torchclinic.core import Recipe, TorchclinicError
from torchclinic.study.store.describing import Describer, module_text
from torchclinic.training.build import build_model, build_optimizer
from torchclinic.training.checkpoint.fingerprint import weights_checksum

_DESCRIBED = ("loss", "step", "schedule", "metric")
_APART = {"model", "data", "optimizer", "name", "changes", *_DESCRIBED}
_HASH_LENGTH = 10
_DIGEST_BYTES = 6


def recipe_facts(
    recipe: Recipe, describer: Describer, *, max_steps: int | None = None, test: bool = False
) -> dict[str, str]:
    """Everything seen of a recipe that decides its runs, apart from the seed.

    Seen are: all numbers of the recipe; the model's structure, its weights under one seed and the
    code of its classes and factory; the optimizer's class and options; loss, metric, schedule and
    custom step with their arguments and code; every value of data that lies in memory.

    Not seen are: what code reads from files, from the environment, or from global variables other
    than numbers, strings, functions and classes; code of installed packages; and of data that is
    read while training, all but its class, length and attributes.

    Args:
        recipe: The arm's.
        describer: Shared by the arms of a study, so that common data is read once.
        max_steps: Where its runs are cut.
        test: Whether its runs are evaluated on the test part.
    """
    facts = {name: describer.brief(value) for name, value in _set_fields(recipe).items()}
    facts |= {name: describer.brief(getattr(recipe, name)) for name in _DESCRIBED}
    splits = recipe.splits
    for part in ("train", "validation", "test"):
        facts[f"{part} data"] = describer.brief(getattr(splits, part))
    facts |= _built(recipe)
    facts["model code"] = describer.brief(recipe.model)
    facts["optimizer code"] = describer.brief(recipe.optimizer)
    facts["max_steps"] = str(max_steps)
    facts["tested"] = str(test)
    facts["python"] = ".".join(platform.python_version_tuple()[:2])  # other code for one source
    return facts


def facts_hash(arm: str, facts: Mapping[str, str]) -> str:
    """A short name for facts: the first 10 hex digits of their SHA-256.

    >>> facts_hash("plain", {"lr": "0.1"})
    'f2777222d9'
    """
    text = json.dumps([arm, sorted(facts.items())])
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]


def what_changed(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """The facts that differ, in words.

    >>> what_changed({"epochs": "5", "loss": "mse"}, {"epochs": "6", "loss": "mse"})
    'epochs was 5 and is 6'
    """
    names = dict.fromkeys((*now, *before))
    changes = [(n, before.get(n, "not set"), now.get(n, "not set")) for n in names]
    return "; ".join(f"{n} was {was} and is {is_}" for n, was, is_ in changes if was != is_)


def _set_fields(recipe: Recipe) -> dict[str, Any]:
    """Fields that are not at their default, so that one added later changes no hash."""
    fields = sorted(dataclasses.fields(recipe), key=lambda f: f.name)
    values = {f.name: (getattr(recipe, f.name), f.default) for f in fields if f.name not in _APART}
    return {name: value for name, (value, default) in values.items() if value != default}


def _built(recipe: Recipe) -> dict[str, str]:
    """Model and optimizer as the factories make them under seed 0."""
    try:
        model = build_model(recipe, 0)
        optimizer = build_optimizer(recipe, model)
    except TorchclinicError as error:
        return {"model": f"cannot be built: {error}", "optimizer": "unknown"}
    return {"model": _model(model), "optimizer": _optimizer(optimizer)}


def _model(model: nn.Module) -> str:
    text = module_text(model).encode()
    structure = hashlib.blake2b(text, digest_size=_DIGEST_BYTES).hexdigest()
    return f"{type(model).__name__} {structure} weights {weights_checksum(model):08x}"


def _optimizer(optimizer: Optimizer) -> str:
    groups: list[str] = []
    for group in optimizer.param_groups:
        options = {key: value for key, value in group.items() if key != "params"}
        shown = " ".join(f"{key}={_plain(value)}" for key, value in sorted(options.items()))
        groups.append(f"{len(group['params'])} parameters {shown}")
    return f"{type(optimizer).__name__}: {'; '.join(groups)}"


def _plain(value: Any) -> str:
    plain = value is None or isinstance(value, bool | int | float | str | tuple | list)
    return repr(value) if plain else type(value).__name__
