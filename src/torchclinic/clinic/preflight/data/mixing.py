"""Do classes come mixed, or one after the other?"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor

from torchclinic.core.errors import TorchclinicError
from torchclinic.core.recipe import Recipe
from torchclinic.data import Augmented, batches
from torchclinic.data.structure import tensors_of
from torchclinic.training import preserved, split_batch

MOST_BATCHES = 64  # looked at, of one epoch
FEWEST_BATCHES = 4
REPEATS = 4  # random batches drawn for each real one


def mixing(recipe: Recipe, labels: Tensor) -> float | None:
    r"""Entropy of the labels within batches as they come, over that of random batches.

    $\bar H(\text{batch}) / \bar H(\text{random batch})$, with H the entropy of the label counts;
    random batches of the same sizes are drawn from `labels`.

    Args:
        recipe: Its first epoch is looked at, up to 64 batches.
        labels: Class numbers of rows spread evenly over the data, shape (N,).

    Returns:
        About 1 where the order is random and near 0 where classes come one after the other; None
        where there are fewer than 4 batches or only one class.
    """
    classes = labels.reshape(-1)
    generator = torch.Generator().manual_seed(0)
    seen: list[float] = []
    random: list[float] = []
    for found in _delivered(recipe):
        seen.append(_entropy(found))
        for _ in range(REPEATS):
            drawn = torch.randint(len(classes), (len(found),), generator=generator)
            random.append(_entropy(classes[drawn]))
    expected = sum(random) / len(random) if random else 0.0
    if len(seen) < FEWEST_BATCHES or expected <= 0:
        return None
    return sum(seen) / len(seen) / expected


def _delivered(recipe: Recipe) -> Iterable[Tensor]:
    """Labels of the first batches; none from a source that would be used up by looking."""
    source = recipe.splits.train
    while isinstance(source, Augmented):  # mixed labels are no classes; the order is the source's
        source = source.source
    if iter(source) is source if hasattr(source, "__iter__") else False:
        return
    with preserved():
        data = batches(source, batch_size=recipe.batch_size, shuffle=recipe.shuffle)
        try:
            for batch in islice(data.epoch(torch.Generator().manual_seed(0)), MOST_BATCHES):
                target = next(tensors_of(split_batch(batch)[1]), None)
                if target is None or target.dim() == 0 or target.numel() != len(target):
                    return  # not one class a row
                yield target.detach().cpu().reshape(-1)
        except TorchclinicError:  # the training will say what is wrong with its data
            return


def _entropy(labels: Tensor) -> float:
    counts = torch.unique(labels, return_counts=True)[1].double()
    shares = counts / counts.sum()
    return float(-(shares * shares.log()).sum())
