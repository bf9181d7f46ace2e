"""Writes values into the parameters of a model and notes what it wrote."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from torchclinic.init.report import Filled, InitReport
from torchclinic.init.schemes import Fill, Scheme


class Painter:
    """Fills parameters in place, each once, frozen ones never.

    Args:
        model: The model.
        generator: Source of random numbers; None for torch's global one.
    """

    def __init__(self, model: nn.Module, generator: torch.Generator | None) -> None:
        self.generator = generator
        self._names = {id(p): name for name, p in reversed([*model.named_parameters()])}
        self._modules = {id(m): name for name, m in reversed([*model.named_modules()])}
        self._done: set[int] = set()
        self._filled: list[Filled] = []
        self._left: list[Filled] = []

    def report(self, model: nn.Module) -> InitReport:
        """What was done; parameters that nobody touched are listed as left."""
        untouched = (
            Filled(
                name,
                () if nn.parameter.is_lazy(p) else tuple(p.shape),
                "left: no rule for this parameter",
            )
            for name, p in model.named_parameters()
            if id(p) not in self._done
        )
        return InitReport(tuple(self._filled), (*self._left, *untouched))

    def constant(self, owner: nn.Module, attribute: str, value: float) -> None:
        """Fill a parameter with one number."""
        parameter = self._claim(owner, attribute)
        if parameter is not None:
            with torch.no_grad():
                parameter.fill_(value)
            self._note(parameter, f"constant {value:g}")

    def bias(self, owner: nn.Module, attribute: str, value: Tensor, method: str) -> None:
        """Fill a parameter with the given values."""
        parameter = self._claim(owner, attribute)
        if parameter is not None:
            with torch.no_grad():
                parameter.copy_(value)
            self._note(parameter, method)

    def matrix(
        self,
        owner: nn.Module,
        attribute: str,
        scheme: Scheme,
        fans: tuple[int, int],
        gain: float = 1.0,
        *,
        blocks: int = 1,
        unit_axis: int = 0,
    ) -> None:
        """Fill a weight by a scheme.

        Args:
            owner: Module that has it.
            attribute: Its name there.
            scheme: The scheme.
            fans: (fan_in, fan_out) of one block.
            gain: Of the activation that follows.
            blocks: Matrices of the same shape that are stacked in it, such as gates.
            unit_axis: Dimension in which the units lie.
        """
        if parametrize.is_parametrized(owner, attribute):
            self._parametrised(owner, attribute, scheme, fans, gain, unit_axis)
            return
        parameter = self._claim(owner, attribute)
        if parameter is None:
            return
        fills = [
            self._fill(tuple(parameter.shape), fans, gain, blocks, unit_axis) for _ in range(blocks)
        ]
        values = torch.cat([scheme.fill(fill) for fill in fills]).movedim(0, unit_axis)
        with torch.no_grad():
            parameter.copy_(values)
        self._note(parameter, _method(scheme, gain), scheme.std(fills[0]))

    def _fill(
        self, shape: tuple[int, ...], fans: tuple[int, int], gain: float, blocks: int, axis: int
    ) -> Fill:
        units = (shape[axis] // blocks, *shape[:axis], *shape[axis + 1 :])
        return Fill(units, max(1, fans[0]), max(1, fans[1]), gain, self.generator)

    def _parametrised(
        self,
        owner: nn.Module,
        attribute: str,
        scheme: Scheme,
        fans: tuple[int, int],
        gain: float,
        axis: int,
    ) -> None:
        """A weight that is computed (weight norm): what it is computed from is set to match."""
        parts: nn.Module = owner.parametrizations[attribute]  # type: ignore[index,assignment]
        originals = list(parts.parameters())
        if any(id(p) in self._done or not p.requires_grad for p in originals):
            return
        name = f"{self._modules[id(owner)]}.{attribute}".lstrip(".")
        old: Tensor = getattr(owner, attribute)
        fill = self._fill(tuple(old.shape), fans, gain, 1, axis)
        self._done |= {id(p) for p in originals}
        try:
            setattr(owner, attribute, scheme.fill(fill).movedim(0, axis).to(old))
        except (NotImplementedError, RuntimeError, ValueError) as error:
            reason = f"left: its parametrisation cannot be set ({error})"
            self._left.append(Filled(name, tuple(old.shape), reason))
        else:
            found = Filled(name, tuple(old.shape), _method(scheme, gain), scheme.std(fill))
            self._filled.append(found)

    def _claim(self, owner: nn.Module, attribute: str) -> nn.Parameter | None:
        """The parameter if it is there, trainable, and not filled yet."""
        parameter = getattr(owner, attribute, None)
        if not isinstance(parameter, nn.Parameter) or id(parameter) in self._done:
            return None
        self._done.add(id(parameter))
        if nn.parameter.is_lazy(parameter):
            self._left.append(Filled(self._names[id(parameter)], (), "left: not materialised yet"))
            return None
        if not parameter.requires_grad:
            self._note(parameter, "left: frozen", into=self._left.append)
            return None
        return parameter

    def _note(
        self,
        parameter: nn.Parameter,
        method: str,
        std: float | None = None,
        into: Callable[[Filled], None] | None = None,
    ) -> None:
        found = Filled(self._names[id(parameter)], tuple(parameter.shape), method, std)
        (into or self._filled.append)(found)


def _method(scheme: Scheme, gain: float) -> str:
    return scheme.title if gain == 1 else f"{scheme.title}, gain {gain:.3g}"
