"""Members of a stack on their way from the first step to the last."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from torchclinic.engine.stacked.gradients import Treatment, treatment
from torchclinic.engine.stacked.layout import Layout
from torchclinic.engine.stacked.mass import Mass
from torchclinic.engine.stacked.member import Member
from torchclinic.engine.stacked.mlp.dropout import Draws
from torchclinic.engine.stacked.network import Network
from torchclinic.engine.stacked.optimizers import Rule, Table
from torchclinic.engine.stacked.optimizers.sgd import SGDRule
from torchclinic.engine.stacked.rows import Rows
from torchclinic.engine.stacked.table import Plan, plan_ahead
from torchclinic.training.recorder import FLUSH_EVERY

MakeNetwork = Callable[[Sequence[Member], Mass, Draws], Network]


class Stack:
    """Trains its members together; each ends when it would alone.

    Members that end leave, and what is left is computed without them. Between two events (the
    end of an epoch, an evaluation, a look at the losses every 25 updates) no member is asked
    anything: steps are made for all at once.

    Args:
        members: Of equal structure, on one device.
        rows: Their training data.
        layout: Where their parameters go.
        rules: The optimizer's formula.
        flags: The options of each parameter group that the members share.
        make_network: Makes what computes the gradients; called again when members leave.
    """

    def __init__(
        self,
        members: Sequence[Member],
        rows: Rows,
        layout: Layout,
        rule: type[Rule],
        flags: Sequence[dict[str, bool]],
        make_network: MakeNetwork,
    ) -> None:
        self._members = list(members)
        self._rows = rows
        self._make_network = make_network
        models = [member.model for member in members]
        self._mass = Mass(models, layout)
        self._draws = Draws([member.generator for member in members])
        self._kinds = [rule] * len(layout.groups)
        self._rules = self._begin_rules(rule, flags)
        recipes = [member.recipe for member in members]
        self._treatment: Treatment = treatment(recipes, models[0], layout, self._mass.parameters)
        self._whole = len(layout.groups) == 1 and layout.groups[0] == (0, layout.size)
        self._network = make_network(self._members, self._mass, self._draws)

    def run(self) -> None:
        """Train all members to their ends."""
        for member in self._members:
            member.start()
        self._dismiss()
        while self._members:
            self._epoch()

    def _epoch(self) -> None:
        order = self._orders()
        batch, start = self._rows.size, 0
        while start < self._rows.count and self._members:
            full = max(1, (self._rows.count - start) // batch)
            count = min(full, *(m.steps_to_event() for m in self._members), self._to_flush())
            stop = min(start + count * batch, self._rows.count)
            self._advance(order[:, start:stop], count)
            order = order[self._dismiss()]
            start = stop
        for member in self._members:
            member.end_epoch()
        self._dismiss()

    def _orders(self) -> Tensor:
        """Each member's rows in the order of this epoch."""
        drawn = [self._rows.order(member.run.generator) for member in self._members]
        return torch.stack(drawn).to(self._rows.inputs.device)

    def _to_flush(self) -> int:
        return FLUSH_EVERY - self._members[0].run.step % FLUSH_EVERY

    def _advance(self, order: Tensor, count: int) -> None:
        """Make `count` steps with these rows, and let the members know."""
        started = time.perf_counter()
        plan = plan_ahead(self._members, self._kinds, count)
        losses, norms = self._steps(order.unflatten(1, (count, -1)), plan)
        share = (time.perf_counter() - started) / len(self._members)
        for number, member in enumerate(self._members):
            member.seconds += share
            member.record(losses[number], plan.rates[number], norms[number] if norms else [])

    def _steps(self, order: Tensor, plan: Plan) -> tuple[list[list[float]], list[list[float]]]:
        """Losses and gradient norms by member."""
        for rule, table in zip(self._rules, plan.tables, strict=True):
            rule.prepare(table)
        plain = self._moves_itself()
        losses: list[Tensor] = []
        norms: list[Tensor] = []
        for k in range(order.shape[1]):
            x, y = self._rows.gather(order[:, k])
            if plain:
                rate = self._rules[0].coefficient("rate", k).unsqueeze(2)
                losses.append(self._network.step(x, y, rate))
                continue
            losses.append(self._network.step(x, y))
            norm = self._treatment.apply(self._mass.parameters, self._mass.gradients)
            if norm is not None:
                norms.append(norm)
            self._update(k)
        return _by_member(losses), _by_member(norms)

    def _moves_itself(self) -> bool:
        """Whether a step is nothing but plain gradient descent on all parameters."""
        rule = self._rules[0]
        descends = isinstance(rule, SGDRule) and rule.plain
        return (
            descends and self._network.moves_itself and self._whole and not self._treatment.needed
        )

    def _update(self, k: int) -> None:
        for rule, (start, stop) in zip(self._rules, self._mass.layout.groups, strict=True):
            p, g = self._mass.parameters, self._mass.gradients
            rule.step(k, p[:, start:stop], g[:, start:stop])

    def _dismiss(self) -> Tensor:
        """Let members go that have ended; say which rows go on."""
        staying = [n for n, member in enumerate(self._members) if member.outcome is None]
        rows = torch.tensor(staying, dtype=torch.long, device=self._mass.parameters.device)
        if len(staying) == len(self._members):
            return rows
        self._members = [self._members[number] for number in staying]
        if self._members:
            self._mass.keep(rows, [member.model for member in self._members])
            self._draws.keep(staying)
            self._treatment = self._treatment.keep(rows)
            for rule in self._rules:
                rule.keep(rows)
            self._network = self._make_network(self._members, self._mass, self._draws)
        return rows

    def _begin_rules(self, rule: type[Rule], flags: Sequence[dict[str, bool]]) -> list[Rule]:
        first = [self._first(rule, group) for group in range(len(self._kinds))]
        groups = self._mass.layout.groups
        parts = [self._mass.parameters[:, start:stop] for start, stop in groups]
        return [rule(*given) for given in zip(flags, first, parts, strict=True)]

    def _first(self, rule: type[Rule], group: int) -> Table:
        """The options of a group before the first step, without stepping any schedule."""
        import numpy as np

        values = [member.options(rule.numbers, group, 1)[0] for member in self._members]
        return dict(zip(rule.numbers, np.array(values).T[:, None], strict=True))


def _by_member(values: list[Tensor]) -> list[list[float]]:
    return torch.stack(values, 1).double().tolist() if values else []
