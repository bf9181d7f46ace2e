"""Whether runs may be forked into worker processes."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils.data import DataLoader, Subset, TensorDataset

from torchclinic.core import Recipe
from torchclinic.data import Augmented


def why_not_forked(recipes: Iterable[Recipe]) -> str:
    """Why these recipes must run in this process; empty when they may be forked.

    A fork inherits closures, modules and data without pickling them, but it must not share a GPU
    or the position in an open file. So it is for Linux, recipes on the CPU, and data in memory.

    Args:
        recipes: What is to be run.
    """
    if not sys.platform.startswith("linux"):
        return f"fork is not safe on {sys.platform}"
    if multiprocessing.current_process().daemon:
        return "this is a daemonic worker process, which may have no children"
    if torch.cuda.is_initialized():
        return "CUDA is in use, which a fork cannot share"
    for recipe in recipes:
        if torch.device(recipe.device).type != "cpu":
            return f"{recipe.name} runs on {recipe.device}"
        splits = recipe.splits
        if not all(_lies_in_memory(s) for s in (splits.train, splits.validation, splits.test)):
            return f"the data of {recipe.name} may read a file, whose position a fork shares"
    return ""


def warm_up() -> None:
    """Let this process import what the first step of any optimizer imports.

    That is 800 modules and takes over a second, which each child would spend anew.
    """
    parameter = nn.Parameter(torch.zeros(1))
    parameter.grad = torch.zeros(1)
    SGD([parameter], lr=0.1).step()


def _lies_in_memory(source: Any) -> bool:
    if source is None or isinstance(source, Tensor | np.ndarray | Mapping | tuple | list):
        return True
    if type(source) is DataLoader:
        return source.num_workers == 0 and _lies_in_memory(source.dataset)
    if isinstance(source, Augmented):
        return _lies_in_memory(source.source)
    if type(source) is Subset:
        return _lies_in_memory(source.dataset)
    return type(source) is TensorDataset
