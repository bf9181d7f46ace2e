"""The registry of probes and its presets by cost."""

from __future__ import annotations

from collections.abc import Sequence

from torchclinic.core.errors import UsageError
from torchclinic.core.registry import Registry
from torchclinic.probes.activation_max import ActivationMax
from torchclinic.probes.activation_mean import ActivationMean
from torchclinic.probes.activation_min import ActivationMin
from torchclinic.probes.activation_std import ActivationStd
from torchclinic.probes.gradient_norm import GradientNorm
from torchclinic.probes.gradient_rms import GradientRms
from torchclinic.probes.nonfinite import NonFinite
from torchclinic.probes.output_gradient_rms import OutputGradientRms
from torchclinic.probes.probe import Probe
from torchclinic.probes.saturated_share import SaturatedShare
from torchclinic.probes.silent_share import SilentShare
from torchclinic.probes.update_ratio import UpdateRatio
from torchclinic.probes.weight_norm import WeightNorm

PROBES: Registry[Probe] = Registry("probe", "torchclinic.probes")
for _probe in (
    ActivationMean(),
    ActivationStd(),
    ActivationMin(),
    ActivationMax(),
    SaturatedShare(),
    SilentShare(),
    OutputGradientRms(),
    GradientNorm(),
    GradientRms(),
    WeightNorm(),
    UpdateRatio(),
    NonFinite(),
):
    PROBES.add(_probe.name, _probe)


def select_probes(statistics: str | Sequence[str] = "all") -> tuple[Probe, ...]:
    """The probes of a preset or of a list of names.

    Args:
        statistics: "all"; "cheap" (no copy of the weights, no extremes, no per-unit reading);
            the name of one statistic; or several names.

    Returns:
        The probes in the order of registration.

    Raises:
        UsageError: A name that no probe has.

    >>> [probe.name for probe in select_probes(["weight_norm", "activation_mean"])]
    ['activation_mean', 'weight_norm']
    """
    if statistics == "all":
        return PROBES.members()
    if statistics == "cheap":
        return tuple(probe for probe in PROBES.members() if probe.cheap)
    names = (statistics,) if isinstance(statistics, str) else tuple(statistics)
    if not names:
        raise UsageError("no statistic is named", hint='use "all", "cheap" or names')
    wanted = {PROBES[name].name for name in names}
    return tuple(probe for probe in PROBES.members() if probe.name in wanted)
