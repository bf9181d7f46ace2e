"""Why a statistic of a layer has no readings."""

from __future__ import annotations

from torchclinic.probes.probe import Need, Probe
from torchclinic.watch.target import Target
from torchclinic.watch.unit_maxima import SILENCE_ROWS

_OF_GRADIENT = (Need.OUTPUT_GRADIENT, Need.OUTPUT_GRADIENT_NORM)
_OF_OUTPUT = (Need.OUTPUT, Need.UNIT_MAXIMA, *_OF_GRADIENT)


def why_nothing(target: Target, probe: Probe) -> str:
    """The reason, in words.

    Args:
        target: The layer.
        probe: What has no readings there.
    """
    if probe.name in target.failed:
        return target.failed[probe.name]
    if probe.need in _OF_OUTPUT:
        return _of_output(target, probe)
    if probe.need is Need.ELEMENTS:
        return "nothing of it was read"
    return _of_parameters(target, probe)


def _of_output(target: Target, probe: Probe) -> str:
    if target.no_output:
        return target.no_output
    if "*" in target.failed:
        return target.failed["*"]
    if not target.reached:
        return "its forward was not called in a step that was read"
    reason = probe.why_not(target.probed())
    if reason:
        return reason
    if probe.need is Need.UNIT_MAXIMA:
        return f"fewer than {SILENCE_ROWS} samples were seen in the steps that were read"
    if probe.need in _OF_GRADIENT:
        return "no gradient reached its output"
    return "its output was empty or overwritten in all steps that were read"


def _of_parameters(target: Target, probe: Probe) -> str:
    if not target.parameters:
        return "it has no parameters"
    reason = probe.why_not(target.probed())
    if reason:
        return reason
    if not any(parameter.requires_grad for parameter in target.parameters.values()):
        return "its parameters are frozen (requires_grad is False)"
    if probe.need is Need.PARAMETER_GRADIENT:
        return "its parameters got no gradient"
    if not any(weight.requires_grad for weight in target.weights.values()):
        return "it has no weight that is trained"
    if probe.need is Need.UPDATE:
        return "no update was seen, or its weights were all zero before it"
    return "no step was read to its end"
