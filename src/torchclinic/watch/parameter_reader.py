"""Reads norms of parameter gradients, of weights and of their updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor, nn

from torchclinic.probes.probe import Need, Probe
from torchclinic.probes.samples import Elements
from torchclinic.watch.columns import Columns, Role, Row, Values, probe_columns
from torchclinic.watch.norms import all_plain, norms
from torchclinic.watch.target import Target


@dataclass(frozen=True)
class _Plan:
    """What to read as long as the same parameters are trained and get gradients."""

    weights: list[Tensor]
    copies: list[Tensor]
    gradient: Columns
    weight: Columns
    update: Columns
    plain: bool  # whether the weights are
    plain_gradients: bool


class ParameterReader:
    """Reads all parameters with a few calls; each parameter once, however many layers share it.

    Args:
        parameters: The model's parameters; a parameter's number is its place here.
        targets: The layers, whose weights are read.
        probes: The probes that are to be read.
        updated: Parameters whose update can be seen; None for all.
    """

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        targets: Sequence[Target],
        probes: Sequence[Probe],
        updated: Sequence[nn.Parameter] | None = None,
    ) -> None:
        needs = {probe.need for probe in probes}
        self._parameters = list(parameters)
        self._targets = targets
        self._read_gradients = Need.PARAMETER_GRADIENT in needs
        self._read_updates = Need.UPDATE in needs
        self._elements = [probe for probe in probes if probe.need is Need.ELEMENTS]
        wanted = {id(weight) for target in targets for weight in target.weights.values()}
        if updated is not None:
            wanted &= {id(parameter) for parameter in updated}
        if needs.isdisjoint((Need.WEIGHT, Need.UPDATE)):
            wanted = set()
        self._weights = [(n, p) for n, p in enumerate(self._parameters) if id(p) in wanted]
        self._copies: dict[int, Tensor] = {}
        self._plans: dict[object, _Plan] = {}
        self._open: _Plan | None = None

    def before(self, row: Row, gradients: bool, scale: Tensor | None) -> None:
        """Before the update: norms of weights and gradients, and a copy of the weights.

        Args:
            row: Where the numbers go.
            gradients: Whether the gradients are there already.
            scale: What they are multiplied by.
        """
        found = [p.grad for p in self._parameters] if gradients and self._read_gradients else []
        plan = self._plan(found)
        there = [gradient for gradient in found if gradient is not None]
        if scale is None and plan.plain and plan.plain_gradients and plan.weights:
            values = norms(plan.weights + there, plain=True)
            count = len(plan.weights)
            self._add(row, plan.weight, values[:count])
            self._add(row, plan.gradient, values[count:])
        else:
            self._add(row, plan.weight, norms(plan.weights, plan.plain))
            self._add(row, plan.gradient, norms(there, plan.plain_gradients, scale))
        if plan.copies:
            torch._foreach_copy_(plan.copies, plan.weights)
            self._open = plan

    def after_closure(self, row: Row) -> None:
        """Norms of the gradients that a closure has left."""
        if self._read_gradients:
            found = [parameter.grad for parameter in self._parameters]
            there = [gradient for gradient in found if gradient is not None]
            plan = self._plan(found)
            self._add(row, plan.gradient, norms(there, plan.plain_gradients))

    def updates(self, row: Row) -> None:
        """Norms of the weights' change since `before`."""
        plan, self._open = self._open, None
        if plan is not None:
            torch._foreach_sub_(plan.copies, plan.weights)
            row.add(plan.update, norms(plan.copies, plan.plain))

    def _plan(self, gradients: list[Tensor | None]) -> _Plan:
        key = (
            tuple([gradient is not None for gradient in gradients]),
            tuple([weight.requires_grad for _, weight in self._weights]),
        )
        plan = self._plans.get(key)
        return plan or self._plans.setdefault(key, self._new_plan(gradients))

    def _new_plan(self, gradients: list[Tensor | None]) -> _Plan:
        trained = [(number, weight) for number, weight in self._weights if weight.requires_grad]
        numbers = tuple(number for number, _ in trained)
        weights: list[Tensor] = [weight for _, weight in trained]
        if self._read_updates:
            for number, weight in trained:
                self._copies.setdefault(number, torch.empty_like(weight))
        return _Plan(
            weights,
            [self._copies[number] for number in numbers] if self._read_updates else [],
            Columns(Role.GRADIENT, tuple(n for n, g in enumerate(gradients) if g is not None)),
            Columns(Role.WEIGHT, numbers),
            Columns(Role.UPDATE, numbers),
            all_plain(weights),
            all_plain([gradient for gradient in gradients if gradient is not None]),
        )

    def _add(self, row: Row, columns: Columns, values: Values) -> None:
        """Add norms; where one is not finite, count the elements of all layers."""
        if columns.numbers:
            row.add(columns, values)
            if self._elements and (isinstance(values, Tensor) or not isfinite(sum(values))):
                self._count(row, columns)

    def _count(self, row: Row, columns: Columns) -> None:
        read = {id(self._parameters[number]) for number in columns.numbers}
        for probe in self._elements:
            counted = probe_columns(probe, self._targets)
            if counted is not None:
                tensors = tuple(
                    tuple(_of(columns.role, p) for p in t.parameters.values() if id(p) in read)
                    for t in self._targets
                )
                row.add(counted, probe.read(Elements(tensors)))


def _of(role: Role, parameter: nn.Parameter) -> Tensor:
    gradient = parameter.grad
    if role is Role.GRADIENT and gradient is not None:
        return gradient.coalesce().values() if gradient.is_sparse else gradient
    return parameter.detach()
