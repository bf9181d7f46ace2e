"""Norms of layers from norms of parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import nn

from torchclinic.probes.probe import Need
from torchclinic.probes.samples import ParameterNorms
from torchclinic.watch.columns import Role
from torchclinic.watch.target import Target

# What a part holds -> (numbers of the parameters, their norms in each step).
Numbers = dict[Role, tuple[tuple[int, ...], np.ndarray]]
_ROLES = {
    Need.PARAMETER_GRADIENT: Role.GRADIENT,
    Need.WEIGHT: Role.WEIGHT,
    Need.UPDATE: Role.UPDATE,
}


class LayerNorms:
    """Puts the norms of a layer's parameters together: the root of the sum of their squares.

    Args:
        targets: The layers.
        parameters: The model's parameters, in the order of their numbers.
    """

    def __init__(self, targets: Sequence[Target], parameters: Sequence[nn.Parameter]) -> None:
        numbers = {id(parameter): number for number, parameter in enumerate(parameters)}
        self._sizes = [parameter.numel() for parameter in parameters]
        self._own = {
            t.index: [numbers[id(p)] for p in t.parameters.values() if id(p) in numbers]
            for t in targets
        }
        self._weights = {
            t.index: [numbers[id(p)] for p in t.weights.values() if id(p) in numbers]
            for t in targets
        }

    def sample(self, need: Need, numbers: Numbers) -> tuple[list[int], ParameterNorms]:
        """What a probe of this need reads, and the numbers of the layers it is of.

        Shape of the norms: (steps, layers).
        """
        members = self._own if need is Need.PARAMETER_GRADIENT else self._weights
        known, block = numbers.get(_ROLES[need], ((), np.empty((0, 0))))
        place = {number: column for column, number in enumerate(known)}
        columns = {i: [place[n] for n in own if n in place] for i, own in members.items()}
        columns = {i: found for i, found in columns.items() if found}
        norm = _norms(block, columns.values())
        elements = torch.tensor(
            [[sum(self._sizes[known[c]] for c in found) for found in columns.values()]],
            dtype=torch.float64,
        )
        weight = norm
        if need is Need.UPDATE:  # the weights are read whenever their update is, in one order
            weight = _norms(numbers[Role.WEIGHT][1], columns.values()) if columns else norm
        return list(columns), ParameterNorms(norm, elements, weight)


def _norms(block: np.ndarray, columns: Iterable[list[int]]) -> torch.Tensor:
    found = [np.linalg.norm(block[:, c], axis=1) for c in columns]
    return torch.from_numpy(np.stack(found, axis=1)) if found else torch.empty((len(block), 0))
