"""Reads norms of parameter gradients, of weights and of their updates."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from torch import Tensor, nn

from torchclinic.probes.probe import Need, Probe
from torchclinic.watch.columns import Columns, Role, Row, Values
from torchclinic.watch.elements import read_elements
from torchclinic.watch.foreach import foreach_copy_, foreach_sub_
from torchclinic.watch.norms import all_plain, norms
from torchclinic.watch.output_gradients import Gradients
from torchclinic.watch.target import Target
from torchclinic.watch.weights import Weights

_NOTHING = Columns(Role.GRADIENT, ())
_SHARES_HOLD = 15  # readings over which the share of a part in a weight is taken to be the same


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
        self._candidates = [(n, p) for n, p in enumerate(self._parameters) if id(p) in wanted]
        self._weights = Weights([], [], self._read_updates)
        self._gradient_columns: dict[tuple[bool, ...], tuple[Columns, bool]] = {}
        self._open = False
        self._until_shares = 0

    def before(self, row: Row, gradients: Gradients | None) -> None:
        """Before the update: norms of weights and gradients, and a copy of the weights.

        Args:
            row: Where the numbers go.
            gradients: Those at outputs, and what all of them are multiplied by; None if a closure
                is yet to compute the gradients.
        """
        weights = self._trained()
        if weights.before:
            foreach_copy_(weights.before, weights.parts)
            self._open = True
        if weights.shares:
            self._renew_shares(weights)
        if gradients is None:
            self._add_weights(row, weights, norms(weights.read, weights.plain))
        else:
            self._read_together(row, weights, gradients)

    def _read_together(self, row: Row, weights: Weights, outputs: Gradients) -> None:
        """All norms in one call where that is possible."""
        own, columns, plain = self._gradients()
        if plain and weights.plain and outputs.plain:
            values = norms([*weights.read, *own, *outputs.tensors], plain=True)
            first, second = len(weights.read), len(weights.read) + len(own)
            self._add_weights(row, weights, values[:first])
            self._add(row, columns, values[first:second])
            if outputs.tensors:
                row.add(outputs.columns, values[second:])
            return
        self._add_weights(row, weights, norms(weights.read, weights.plain))
        self._add(row, columns, norms(own, plain, outputs.own_scale))
        if outputs.tensors:
            row.add(outputs.columns, norms(outputs.tensors, outputs.plain, outputs.scale))

    def after_closure(self, row: Row, gradients: Gradients) -> None:
        """Norms of the gradients that a closure has left."""
        own, columns, plain = self._gradients()
        self._add(row, columns, norms(own, plain))
        if gradients.tensors:
            row.add(gradients.columns, norms(gradients.tensors, gradients.plain))

    def updates(self, row: Row) -> None:
        """Norms of the weights' change since `before`."""
        if not self._open:
            return
        self._open = False
        weights = self._weights
        foreach_sub_(weights.before, weights.parts)
        row.add(weights.update, weights.whole(norms(weights.before, weights.plain)))

    def _trained(self) -> Weights:
        """The weights that are trained now."""
        trained = [weight.requires_grad for _, weight in self._candidates]
        if not self._weights.fits(trained):
            found = [c for c, t in zip(self._candidates, trained, strict=True) if t]
            self._weights = Weights(trained, found, self._read_updates)
            self._until_shares = 0
        return self._weights

    def _gradients(self) -> tuple[list[Tensor], Columns, bool]:
        """The gradients that are there, what their norms mean, and whether they are plain."""
        if not self._read_gradients:
            return [], _NOTHING, True
        found = [parameter.grad for parameter in self._parameters]
        gradients = [gradient for gradient in found if gradient is not None]
        there = tuple([gradient is not None for gradient in found])
        columns = self._gradient_columns.get(there)
        if columns is None:
            numbers = tuple(number for number, t in enumerate(there) if t)
            sizes = tuple(gradient.numel() for gradient in gradients)
            columns = Columns(Role.GRADIENT, numbers, sizes=sizes), all_plain(gradients)
            self._gradient_columns[there] = columns
        return gradients, *columns

    def _renew_shares(self, weights: Weights) -> None:
        """Now and then, how large the parts are of which the rest is not read otherwise."""
        self._until_shares -= 1
        if self._until_shares < 0:
            self._until_shares = _SHARES_HOLD
            weights.measure_shares()

    def _add_weights(self, row: Row, weights: Weights, values: Values) -> None:
        self._add(row, weights.weight, weights.whole(values))

    def _add(self, row: Row, columns: Columns, values: Values) -> None:
        """Add norms; where one is not finite, count the elements of all layers."""
        if columns.numbers:
            row.add(columns, values)
            if self._elements and (isinstance(values, Tensor) or not isfinite(sum(values))):
                self._count(row, columns)

    def _count(self, row: Row, columns: Columns) -> None:
        read = {id(self._parameters[number]) for number in columns.numbers}
        tensors = [
            [_of(columns.role, p) for p in target.parameters.values() if id(p) in read]
            for target in self._targets
        ]
        read_elements(self._elements, self._targets, tensors, row)


def _of(role: Role, parameter: nn.Parameter) -> Tensor:
    gradient = parameter.grad
    if role is Role.GRADIENT and gradient is not None:
        return gradient.coalesce().values() if gradient.is_sparse else gradient
    return parameter.detach()
