"""Listens to the views of a pass, and says which of them mix axes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor
from torch.overrides import TorchFunctionMode

from torchclinic.clinic.lines import present_line
from torchclinic.clinic.preflight.wiring.regrouping import Regrouping, Sizes, groups, regrouping
from torchclinic.data.structure import tensors_of

VIEWS = frozenset({"view", "reshape", "view_as", "reshape_as", "unflatten", "flatten"})
PADDED = frozenset({"pad", "constant_pad_nd"})
JOINED = frozenset({"cat", "concat", "concatenate"})
LOSSES = frozenset(
    {
        "cross_entropy",
        "nll_loss",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "mse_loss",
        "l1_loss",
        "smooth_l1_loss",
        "huber_loss",
    }
)
MOST = 1000  # views that are looked at in one pass

Place = tuple[str, int]


class Seen(NamedTuple):
    """A view that mixes axes.

    Attributes:
        found: What it does.
        rows: Whether the axis of the batch takes part.
        merged: Whether the axes had been merged before, in another order.
    """

    found: Regrouping
    rows: bool
    merged: bool = False


class ViewListener(TorchFunctionMode):
    """Notes each view, while it is entered.

    Axes of a batch that were merged are remembered by their product, so that a later split in
    another order is told from one that undoes the merge; and so is the order in which the rows of
    a tensor stand, so that a loss is seen to compare rows of one order with those of another.

    Args:
        rows: Of the batch; a prime that no other axis has, so that its axis is known by its size.

    Attributes:
        seen: Line and number of the call from there -> what is wrong with it, None for nothing.
    """

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows
        self._calls: Counter[str] = Counter()
        self._merges: dict[int, set[Sizes]] = {}
        self._orders: dict[int, tuple[Tensor, Sizes, str]] = {}
        self._padded: dict[int, Tensor] = {}
        self.seen: dict[Place, Seen | None] = {}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        """Pass the call on; note what it does with axes."""
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and len(self.seen) < MOST:
            self._hear(getattr(func, "__name__", ""), [*tensors_of((args, kwargs))], args, result)
        return result

    def _hear(self, name: str, given: list[Tensor], args: Any, result: Tensor) -> None:
        if not given:
            return
        if name in VIEWS:
            self._view(given[0], result)
        elif name in LOSSES:
            self._compared(given)
        else:
            self._hand_on(given, result)
        if name in JOINED:
            self._joined(args, result)
        elif name in PADDED:
            self._padded[id(result)] = result
        elif name == "repeat":
            self._repeated(given[0], result)

    def _view(self, given: Tensor, result: Tensor) -> None:
        before, after = tuple(given.shape), tuple(result.shape)
        seen = None if id(given) in self._padded else self._judge(before, after)
        line = present_line()
        self._tell(line, seen, says=before != after)
        order = self._orders.get(id(given))
        if order is not None and before[0] == after[0]:
            self._orders[id(result)] = result, *order[1:]
        for place, (was, now) in enumerate(groups(before, after)):
            if len(now) == 1 and len(was) > 1:
                self._merges.setdefault(now[0], set()).add(was)
                if place == 0 and after[0] == now[0]:
                    self._orders[id(result)] = result, was, line

    def _tell(self, line: str, seen: Seen | None, *, says: bool = True) -> None:
        if says:  # sizes that are as before may be so by chance
            self.seen[line, self._calls[line]] = seen
        self._calls[line] += 1

    def _judge(self, before: Sizes, after: Sizes) -> Seen | None:
        found = regrouping(before, after)
        if found is not None:
            return Seen(found, self._of_rows(found.was) and self._of_rows(found.now))
        for was, now in groups(before, after):
            known = self._merges.get(was[0], set()) if len(was) == 1 and len(now) > 1 else set()
            orders = [order for known_as in known if (order := regrouping(known_as, now))]
            if orders and len(orders) == len(known) and self._of_rows(now):
                return Seen(orders[0], rows=True, merged=True)
        return None

    def _of_rows(self, sizes: Sizes) -> bool:
        return any(size % self._rows == 0 for size in sizes)

    def _hand_on(self, given: list[Tensor], result: Tensor) -> None:
        """What is made of rows in some order stands in that order."""
        for tensor in given:
            known = self._orders.get(id(tensor))
            if known is not None and result.dim() and result.shape[0] == tensor.shape[0]:
                self._orders[id(result)] = result, *known[1:]

    def _compared(self, given: list[Tensor]) -> None:
        known = [self._orders[id(t)] for t in given[:2] if id(t) in self._orders]
        if len(known) == 2:
            found = regrouping(known[0][1], known[1][1])
            rows = found is not None and self._of_rows(found.was)
            self._tell(known[1][2], Seen(found, rows=True, merged=True) if found and rows else None)

    def _joined(self, args: Any, result: Tensor) -> None:
        """Remember what lies one after the other along the axis of a concatenation."""
        parts: list[Tensor] = list(args[0]) if args else []
        if len({part.shape for part in parts}) != 1:
            self._padded[id(result)] = result
            return
        for size, whole in zip(parts[0].shape, result.shape, strict=False):
            if 1 < size < whole:
                self._merges.setdefault(whole, set()).add((len(parts), size))

    def _repeated(self, given: Tensor, result: Tensor) -> None:
        sizes = (*(1,) * (result.dim() - given.dim()), *given.shape)
        for size, whole in zip(sizes, result.shape, strict=True):
            if 1 < size < whole:
                self._merges.setdefault(whole, set()).add((whole // size, size))


def mixing(passes: Sequence[Mapping[Place, Seen | None]]) -> dict[str, list[Seen]]:
    """Lines that mix axes in every pass that came to them, with what they do in each.

    Args:
        passes: The first two differ in nothing but the number of rows, and both must come there.
    """
    first, second, *others = passes
    found: dict[str, list[Seen]] = {}
    for place, seen in first.items():
        again = second.get(place)
        rest = [other[place] for other in others if place in other]
        if seen is not None and again is not None and all(rest):
            every = [seen, again, *(one for one in rest if one is not None)]
            if sure(every):
                found.setdefault(place[0], every)
    return found


def sure(seen: list[Seen]) -> bool:
    """Whether no coincidence of sizes can be behind it.

    Args:
        seen: In passes with one number of rows, with another, and with other lengths of an axis,
            as far as such passes came there.
    """
    plain, cropped = seen[:2], seen[2:]
    if all(one.rows for one in plain):
        return all(one.found.certain for one in plain)
    was, now, kind, certain = plain[0].found
    if any(one.found.certain and one.found.was != was for one in cropped):
        return True
    if kind == "straddles":
        return False  # sizes that are fixed may be meant
    # from (2, 24) to (24, 2) is of no use; from (24, 2) to (2, 24) may put twelve steps into one
    return certain or (len(was) == 2 and was[0] < was[1] and not cropped and now == was[::-1])
