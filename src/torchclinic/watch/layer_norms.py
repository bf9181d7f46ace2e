"""Norms of layers from norms of parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from torchclinic.probes.probe import Need
from torchclinic.probes.samples import Norms
from torchclinic.watch.columns import Columns, Role
from torchclinic.watch.target import Target

# What a part holds -> the meaning of its numbers, and the numbers in each step.
Parts = dict[Role, tuple[Columns, np.ndarray]]
_ROLES = {
    Need.OUTPUT_GRADIENT_NORM: Role.OUTPUT_GRADIENT,
    Need.PARAMETER_GRADIENT: Role.GRADIENT,
    Need.WEIGHT: Role.WEIGHT,
    Need.UPDATE: Role.UPDATE,
}
NEEDS = tuple(_ROLES)


class LayerNorms:
    """Puts the norms of a layer's parameters together: the root of the sum of their squares.

    Args:
        targets: The layers.
        parameters: The model's parameters, in the order of their numbers.
    """

    def __init__(self, targets: Sequence[Target], parameters: Sequence[nn.Parameter]) -> None:
        numbers = {id(parameter): number for number, parameter in enumerate(parameters)}
        own = {t.index: _numbers(t.parameters, numbers) for t in targets}
        weights = {t.index: _numbers(t.weights, numbers) for t in targets}
        self._members: dict[Need, dict[int, list[int]]] = {
            Need.OUTPUT_GRADIENT_NORM: {t.index: [t.index] for t in targets},
            Need.PARAMETER_GRADIENT: own,
            Need.WEIGHT: weights,
            Need.UPDATE: weights,
        }

    def sample(self, need: Need, parts: Parts) -> tuple[list[int], Norms]:
        """What a probe of this need reads, and the numbers of the layers it is of.

        Shape of the norms: (steps, layers).
        """
        nothing = Columns(_ROLES[need], ()), np.empty((0, 0))
        columns, block = parts.get(_ROLES[need], nothing)
        place = {number: column for column, number in enumerate(columns.numbers)}
        found = {i: [place[n] for n in m if n in place] for i, m in self._members[need].items()}
        found = {number: members for number, members in found.items() if members}
        norm = _norms(block, found.values())
        sizes = [[sum(columns.sizes[c] for c in members) for members in found.values()]]
        weight = norm
        if need is Need.UPDATE and found:  # weights are read whenever their update is, in one order
            weight = _norms(parts[Role.WEIGHT][1], found.values())
        return list(found), Norms(norm, torch.tensor(sizes, dtype=torch.float64), weight)


def _numbers(parameters: Mapping[str, nn.Parameter], numbers: Mapping[int, int]) -> list[int]:
    return [numbers[id(p)] for p in parameters.values() if id(p) in numbers]


def _norms(block: np.ndarray, columns: Iterable[list[int]]) -> torch.Tensor:
    found = [np.linalg.norm(block[:, c], axis=1) for c in columns]
    return torch.from_numpy(np.stack(found, axis=1)) if found else torch.empty((len(block), 0))
