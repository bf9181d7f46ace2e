"""ReachFacts: what of the inputs the outputs hang on, by exchanging parts between rows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn

from torchclinic.clinic.preflight.data.association import tells
from torchclinic.clinic.preflight.data.padding import unpadded
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import ReachFacts
from torchclinic.data.structure import map_tensors, rows_of, take_rows, tensors_of
from torchclinic.graph import undisturbed
from torchclinic.training import forward, seeded, split_batch

ROWS = 32
PARTS = 32
SECONDS = 0.25  # for the exchanges; a slow model gets fewer parts
SAME = 1e-4  # of what exchanging whole rows changes, below which an output counts as the same
CONSTANT = 1e-6  # of its size, below which a number counts as the same in every row
FEW_UNITS = 2
Axis = Literal["positions", "features", "none"]


def reach_facts(model: nn.Module, sample: Any) -> ReachFacts | None:
    """What the outputs of a model hang on, in evaluation mode.

    Args:
        model: Untrained or trained; it is left as it was, and so are all random states.
        sample: Rows of the training data with their targets.

    Returns:
        None where inputs are no tensors by rows, or the model cannot be run on some of them.
    """
    inputs, targets = split_batch(sample)
    have = rows_of(inputs)
    first = next(tensors_of(inputs), None)
    if not have or have < 4 or first is None or first.dim() < 1 or len(first) != have:
        return None
    rows = torch.linspace(0, have - 1, min(ROWS, have)).round().long()
    with undisturbed(model), torch.no_grad():
        model.eval()
        try:
            probe = _Probe(model, take_rows(inputs, rows))
            found = probe.facts()
        except (TorchclinicError, RuntimeError, ValueError, IndexError):
            return None  # rows that do not go together, or a model of fixed batches
    return None if found is None else _with_tells(found, first, next(tensors_of(targets), None))


class _Probe:
    """One model and some rows, of which parts are exchanged."""

    def __init__(self, model: nn.Module, inputs: Any) -> None:
        self._model = model
        self._inputs = inputs
        self._first = next(tensors_of(inputs))
        with _Spreads(model) as self._spreads:
            self._output(self._first)
        start = time.perf_counter()  # a model without hooks may take other, faster ways
        self._base = self._output(self._first)
        self._seconds = time.perf_counter() - start

    def facts(self) -> ReachFacts | None:
        base, count = self._base, len(self._first)
        if base is None or len(base) != count or not bool(base.isfinite().all()):
            return None
        whole = _rms(base.roll(count // 2, 0) - base)
        size = _rms(base)
        plain = ReachFacts(
            spread=float(base.std(0, correction=0).square().mean().sqrt()) / max(size, 1e-30),
            spreads=self._spreads.found,
            faded=self._spreads.faded,
            fed=self._spreads.fed,
            narrow=tuple(self._narrow(size)),
        )
        axis = _axis(self._first)
        again = self._output(self._first)
        if axis == "none" or again is None or not torch.equal(again, base):
            return plain  # chance in evaluation mode
        if whole <= CONSTANT * size:
            return dataclasses.replace(plain, axis=axis, constant_end=self._constant_end(axis))
        return dataclasses.replace(
            plain,
            axis=axis,
            size=self._first.shape[1],
            starts=self._starts(),
            effects=tuple(self._effect(part, whole) for part in self._parts()),
            contents=self._contents(axis, whole),
            order_blind=self._order_blind(whole) if axis == "positions" else None,
            scale_blind=self._scale_blind(whole) if axis == "features" else None,
            constant_end=self._constant_end(axis),
        )

    def _narrow(self, size: float) -> Iterator[str]:
        """Modules of few units that hold all: give every row their mean, and rows are alike."""
        for name, module in self._model.named_modules():
            units = next((getattr(module, k) for k in _UNITS if hasattr(module, k)), None)
            if isinstance(units, int) and units <= FEW_UNITS and isinstance(module, _LAYERS):
                handle = module.register_forward_hook(_averaged)
                try:
                    after = self._output(self._first)
                finally:
                    handle.remove()
                if after is not None and _rms(after - after[:1]) <= CONSTANT * size:
                    yield name

    def _output(self, first: Tensor) -> Tensor | None:
        given = map_tensors(lambda t: first if t is self._first else t, self._inputs)
        with seeded(0):
            out = next(tensors_of(forward(self._model, given)), None)
        return None if out is None or not out.dim() else out.float().reshape(len(out), -1)

    def _starts(self) -> tuple[int, ...]:
        size = self._first.shape[1]
        affordable = max(int(SECONDS / max(self._seconds, 1e-6)), 4)
        count = min(size, PARTS, affordable)
        places = {round(k * size / count) for k in range(count)} | {1, size - 1}
        return tuple(sorted(place for place in places if 0 <= place < size))

    def _parts(self) -> Iterator[slice]:
        starts = (*self._starts(), self._first.shape[1])
        for start, end in pairwise(starts):
            yield slice(start, end)

    def _contents(self, axis: Axis, whole: float) -> tuple[float | None, ...]:
        """The effects while what fills rows up stays where it is; () without such filling."""
        real = unpadded(self._first) if axis == "positions" else None
        if real is None:
            return ()
        return tuple(self._effect(part, whole, real) for part in self._parts())

    def _effect(self, part: slice, whole: float, real: Tensor | None = None) -> float | None:
        changed = self._first.clone()
        if real is None:
            changed[:, part] = changed[:, part].roll(len(changed) // 2, 0)
        else:
            for place in range(part.start, part.stop):
                rows = real[:, place].nonzero().flatten()
                changed[rows, place] = changed[rows.roll(len(rows) // 2), place]
        other = (changed != self._first).reshape(len(changed), -1).any(1).float().mean()
        if float(other) < 0.1:
            return None
        return self._change(changed) / whole

    def _change(self, changed: Tensor) -> float:
        assert self._base is not None
        after = self._output(changed)
        return float("nan") if after is None else _rms(after - self._base)

    def _order_blind(self, whole: float) -> bool | None:
        size = self._first.shape[1]
        if size < 3:
            return None
        order = torch.randperm(size, generator=torch.Generator().manual_seed(1))
        changed = self._first[:, order]
        if torch.equal(changed, self._first):
            return None
        return self._change(changed) < SAME * whole

    def _scale_blind(self, whole: float) -> bool:
        return self._change(2 * self._first) < SAME * whole

    def _constant_end(self, axis: Axis) -> int:
        if axis != "positions":
            return 0
        same = (self._first == self._first[:1]).reshape(*self._first.shape[:2], -1).all(2).all(0)
        differing = (~same).nonzero()
        return self._first.shape[1] - 1 - int(differing[-1]) if len(differing) else 0


_UNITS = ("out_features", "out_channels", "embedding_dim")
_LAYERS = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Embedding


def _averaged(_module: nn.Module, _given: Any, output: Tensor) -> Tensor:
    return output.mean(0, keepdim=True).expand_as(output)


class _Spreads:
    """How far the output of each module differs between rows, during one pass."""

    def __init__(self, model: nn.Module) -> None:
        self._leaves = [(n, m) for n, m in model.named_modules() if n and not any(m.children())]
        self.found: dict[str, float] = {}
        self.faded = ""
        self.fed = False
        self._handles: list[Any] = []

    def __enter__(self) -> _Spreads:
        self._handles = [m.register_forward_hook(self._hook(n)) for n, m in self._leaves]
        return self

    def __exit__(self, *error: Any) -> None:
        for handle in self._handles:
            handle.remove()

    def _hook(self, name: str) -> Any:
        def look(_: nn.Module, given: Any, result: Any) -> None:
            out = next(tensors_of(result), None)
            if out is None or out.dim() < 2 or not out.is_floating_point():
                return
            self.found[name] = _spread(out)
            if self.found[name] <= CONSTANT and not self.faded:
                entered = next(tensors_of(given), None)
                self.faded = name
                self.fed = entered is not None and _spread(entered.float()) > CONSTANT

        return look


def _spread(values: Tensor) -> float:
    rows = values.float().reshape(len(values), -1)
    size = _rms(rows)
    return float(rows.std(0, correction=0).square().mean().sqrt()) / size if size > 0 else 0.0


def _rms(values: Tensor) -> float:
    return float(values.double().square().mean().sqrt())


def _axis(first: Tensor) -> Axis:
    if not first.is_floating_point():
        return "positions" if first.dim() == 2 and first.shape[1] > 1 else "none"
    if first.dim() == 3 and first.shape[1] > 1 and first.shape[1] != first.shape[2]:
        return "positions"
    return "features" if first.dim() == 2 and first.shape[1] > 1 else "none"


def _with_tells(found: ReachFacts, first: Tensor, targets: Tensor | None) -> ReachFacts:
    """With what each part, and the length of the rows, tell of the targets."""
    if not found.starts:
        return found
    ends = (*found.starts[1:], found.size)
    parts = [first[:, a:b] for a, b in zip(found.starts, ends, strict=True)]
    blind = found.scale_blind and first.is_floating_point()
    return dataclasses.replace(
        found,
        tells=tuple(tells(part, targets) for part in parts),
        scale_tells=tells(first.float().flatten(1).norm(dim=1), targets) if blind else None,
    )
