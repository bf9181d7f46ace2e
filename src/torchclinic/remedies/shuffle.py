"""Rows in a new order each epoch."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch.utils.data import DataLoader, Dataset, IterableDataset, SequentialSampler

from torchclinic.core import Case, Change, NotApplicable, Recipe, Splits
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register


@register
class Shuffle(BaseRemedy):
    """Draw the training rows in a new order each epoch."""

    name = "shuffle"
    title = "Rows shuffled each epoch"
    reason = "a batch of one class pulls the model towards answering that class always"
    source = "Bottou 2012, Stochastic Gradient Descent Tricks, section 3"
    place = Place.DATA

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies to data that can be drawn by row and is not shuffled."""
        train = recipe.splits.train
        if isinstance(train, DataLoader):
            if not isinstance(train.sampler, SequentialSampler) or train.batch_size is None:
                return NotApplicable("the DataLoader's sampler is not the sequential one")
            return self.change(_shuffle_loader, "loader = DataLoader(dataset, shuffle=True)")
        if isinstance(train, IterableDataset) or not isinstance(train, tuple | dict | Dataset):
            return NotApplicable("data that delivers its own batches cannot be drawn by row")
        if recipe.shuffle:
            return NotApplicable("the rows are shuffled")
        return self.change(_shuffle_rows, "loader = DataLoader(dataset, shuffle=True)")


def _shuffle_rows(recipe: Recipe) -> Recipe:
    return recipe.replace(shuffle=True)


def _shuffle_loader(recipe: Recipe) -> Recipe:
    old: DataLoader[Any] = recipe.splits.train
    new = DataLoader(
        old.dataset,
        batch_size=old.batch_size,
        shuffle=True,
        num_workers=old.num_workers,
        collate_fn=old.collate_fn,
        pin_memory=old.pin_memory,
        drop_last=old.drop_last,
        worker_init_fn=old.worker_init_fn,
        persistent_workers=old.persistent_workers,
    )
    splits: Splits = dataclasses.replace(recipe.splits, train=new)
    return recipe.replace(data=splits)
