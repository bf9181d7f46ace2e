"""Capture: what the hooks of one read step see. They keep references or small copies, no more."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from torchclinic.probes.probe import Need, Probe
from torchclinic.watch.seen import Seen
from torchclinic.watch.target import Target
from torchclinic.watch.thin import LIMIT, first_float, thin
from torchclinic.watch.unit_maxima import largest_by_unit, needs_maxima

MOST_CALLS = 4  # calls of one layer that are read in a step; a recurrent cell has hundreds
# Seconds that a small output takes with its gradient, measured: the hook and what leads to it.
SMALL_SECONDS = 8e-6


class Capture:
    """The hooks that exist around a read step, and what they saw.

    Args:
        model: The model, whose training mode marks what belongs to a training step.
        targets: The layers.
        probes: What will be read; what none of them needs is not captured.

    Attributes:
        seen: All calls of the step, in order.
        in_backward: Whether a backward pass is running, in which checkpointed layers run again.
        seconds: Time spent on large outputs.
    """

    def __init__(
        self, model: nn.Module, targets: Sequence[Target], probes: Sequence[Probe]
    ) -> None:
        needs = {probe.need for probe in probes}
        self._outputs = not needs.isdisjoint((Need.OUTPUT, Need.UNIT_MAXIMA, Need.ELEMENTS))
        self._gradients = not needs.isdisjoint((Need.OUTPUT_GRADIENT, Need.OUTPUT_GRADIENT_NORM))
        self._maxima = Need.UNIT_MAXIMA in needs
        self._model = model
        wanted = self._outputs or self._gradients
        self._hooks = [
            (target.module, partial(self._hook, target))
            for target in targets
            if wanted and target.module is not None and not target.no_output
        ]
        self._handles: list[RemovableHandle] = []
        self.seen: list[Seen] = []
        self.in_backward = False
        self._reached = 0
        self.seconds = 0.0

    def arm(self) -> None:
        """Put the hooks in place, unless they are."""
        if not self._handles:
            self._handles = [module.register_forward_hook(hook) for module, hook in self._hooks]

    def disarm(self) -> None:
        """Take all hooks away and forget what was seen."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self.take()

    def take(self) -> list[Seen]:
        """What was seen since this was last called, each as it is when the step is over."""
        found, self.seen = self.seen, []
        for seen in found:
            seen.settle()
        return found

    def _hook(self, target: Target, module: nn.Module, args: Any, output: Any) -> None:  # noqa: ARG002
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            self.see(target, output)

    def see(self, target: Target, output: Any) -> None:
        """Keep what is needed of an output; a failure is noted at the target."""
        if target.calls and (target.calls >= MOST_CALLS or self.in_backward):
            return
        try:
            tensor = output if type(output) is Tensor else first_float(output)
            if tensor is None or not tensor.is_floating_point():
                target.failed.setdefault("*", "its output holds no floating-point tensor")
                return
            size = tensor.numel()
            if size:
                seen = Seen(target, self._model.training)
                gradient = self._gradients and tensor.requires_grad
                if size <= LIMIT:
                    seen.keep(tensor, gradient)
                else:
                    self._keep_part(seen, tensor, gradient)
                target.calls += 1
                if not target.reached:
                    self._reached += 1
                    target.reached = self._reached
                self.seen.append(seen)
        except Exception as error:  # noqa: BLE001 - a watch never ends a training
            target.fail("*", error)

    def see_bare(self, target: Target, output: Tensor) -> None:
        """Keep the output of a bare parameter; its sum with a bias takes the product's place."""
        last = next((seen for seen in reversed(self.seen) if seen.target is target), None)
        if last is not None and _continues(output, last.node):
            self.seen.remove(last)
            target.calls -= 1
        self.see(target, output)
        if self.seen and self.seen[-1].target is target:
            self.seen[-1].node = output.grad_fn

    def _keep_part(self, seen: Seen, tensor: Tensor, gradient: bool) -> None:
        """Of a large output some elements, at once."""
        start = perf_counter()
        if self._outputs:
            seen.sample = thin(tensor)
            if self._maxima and needs_maxima(seen.target):
                seen.maxima, seen.rows = largest_by_unit(tensor.detach(), seen.target.unit_dim)
        if gradient:
            tensor.register_hook(seen.keep_gradient)
        self.seconds += 2 * (perf_counter() - start)  # and about as much for its gradient


def _continues(output: Tensor, node: Any) -> bool:
    """Whether `output` was computed directly from what `node` computed."""
    following = getattr(output.grad_fn, "next_functions", ())
    return node is not None and any(before is node for before, _ in following)
