"""Instruments on a live model, one a file. They know nothing of rules."""

from torchclinic.probes.activation_max import ActivationMax
from torchclinic.probes.activation_mean import ActivationMean
from torchclinic.probes.activation_min import ActivationMin
from torchclinic.probes.activation_std import ActivationStd
from torchclinic.probes.gradient_norm import GradientNorm
from torchclinic.probes.gradient_rms import GradientRms
from torchclinic.probes.nonfinite import NonFinite
from torchclinic.probes.output_gradient_rms import OutputGradientRms
from torchclinic.probes.probe import Need, Probe, ProbedLayer
from torchclinic.probes.registry import PROBES, select_probes
from torchclinic.probes.samples import Elements, Norms, OutputSample, UnitMaxima
from torchclinic.probes.saturated_share import SaturatedShare
from torchclinic.probes.silent_share import SilentShare
from torchclinic.probes.update_ratio import UpdateRatio
from torchclinic.probes.weight_norm import WeightNorm

__all__ = [
    "PROBES",
    "ActivationMax",
    "ActivationMean",
    "ActivationMin",
    "ActivationStd",
    "Elements",
    "GradientNorm",
    "GradientRms",
    "Need",
    "NonFinite",
    "Norms",
    "OutputGradientRms",
    "OutputSample",
    "Probe",
    "ProbedLayer",
    "SaturatedShare",
    "SilentShare",
    "UnitMaxima",
    "UpdateRatio",
    "WeightNorm",
    "select_probes",
]
