"""Training data that passes through transforms, batch by batch, in a Recipe."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch

from torchclinic.core import DataError, UsageError
from torchclinic.data.augment.targets import parts_of
from torchclinic.data.structure import as_tensors

Transform = Callable[[Any, torch.Generator], Any]


@dataclass(frozen=True, eq=False)
class Augmented:
    """Data and the transforms that its batches pass through; see `augmented`.

    Attributes:
        source: Any data that `batches` takes.
        transforms: `transform(batch, generator) -> batch`, in order.
    """

    source: Any
    transforms: tuple[Transform, ...]


def augmented(source: Any, *transforms: Transform) -> Augmented:
    """Data whose batches pass through transforms while a model is trained on them.

    `Splits(train=augmented(train, Mixup(0.2)), validation=..., test=...)` in a Recipe. Rows come
    in the very order in which they would come without; the transforms draw from a stream of their
    own, which the run's seed decides, and a killed run goes on with the same draws. Samples of the
    data (for facts about it, for curves of the training part) are not transformed, and when some
    rows are set aside by `split`, those are not either: only the first part is.

    Args:
        source: Any data that `batches` takes.
        transforms: `transform(batch, generator) -> batch`, such as `Mixup`, `CutMix` or a function
            of one's own. One with `classes=None` learns their number from data in memory.

    Raises:
        UsageError: Without a transform, or with something that cannot be called.

    >>> from torchclinic.data import Mixup, batches
    >>> train = augmented((torch.rand(6, 2), torch.tensor([0, 1, 2, 0, 1, 2])), Mixup(0.2))
    >>> [y.shape for _, y in batches(train, batch_size=4).epoch(torch.Generator())]
    [torch.Size([4, 3]), torch.Size([2, 3])]
    """
    if not transforms or not all(callable(transform) for transform in transforms):
        raise UsageError(
            f"the transforms are {transforms!r:.80}",
            hint="give at least one, as a call takes it: augmented(train, Mixup(0.2))",
        )
    if isinstance(source, Augmented):
        source, transforms = source.source, (*source.transforms, *transforms)
    return Augmented(source, _told(transforms, _classes_in(source)))


class AugmentedBatches:
    """See `torchclinic.data.batches`.

    Args:
        batches: Of the source.
        transforms: What each passes through.
    """

    def __init__(self, batches: Any, transforms: tuple[Transform, ...]) -> None:
        self._batches, self._transforms = batches, transforms
        self.rows = batches.rows

    def __len__(self) -> int:
        return len(self._batches)

    def epoch(self, generator: torch.Generator | None = None) -> Iterator[Any]:
        """One pass, transformed; without a generator always with the same draws."""
        order = torch.Generator().manual_seed(0) if generator is None else generator
        before = order.get_state()
        own = torch.Generator().manual_seed(_seed_of(before))
        for batch in self._batches.epoch(generator):
            yield self._transformed(batch, own)
        if torch.equal(order.get_state(), before):  # nothing else draws from it
            torch.rand((), generator=order, device=order.device)

    def sample(self, rows: int) -> Any:
        """Rows as the source has them, without the transforms."""
        return self._batches.sample(rows)

    def _transformed(self, batch: Any, generator: torch.Generator) -> Any:
        for transform in self._transforms:
            batch = transform(batch, generator)
        return batch


def _told(transforms: tuple[Transform, ...], classes: int | None) -> tuple[Transform, ...]:
    """Transforms, those that lack the number of classes told it."""
    return tuple(t if classes is None else _with_classes(t, classes) for t in transforms)


def _with_classes(transform: Any, classes: int) -> Any:
    if dataclasses.is_dataclass(transform) and getattr(transform, "classes", 0) is None:
        return dataclasses.replace(cast("Any", transform), classes=classes)
    return transform


def _classes_in(source: Any) -> int | None:
    """One more than the largest class number of data in memory, None elsewhere."""
    from torchclinic.data.batches import in_memory

    held = in_memory(source)
    if held is None:
        return None
    try:
        targets = torch.as_tensor(parts_of(as_tensors(held))[1])
    except DataError:  # no targets: that is said when a batch is transformed
        return None
    whole = not (targets.is_floating_point() or targets.is_complex())
    return int(targets.max()) + 1 if whole and targets.dim() == 1 and len(targets) else None


def _seed_of(state: torch.Tensor) -> int:
    """A seed that a generator's state decides, without drawing from it."""
    digest = hashlib.sha256(b"augmentation" + state.cpu().numpy().tobytes()).digest()
    return int.from_bytes(digest[:8], "big") % 2**63
