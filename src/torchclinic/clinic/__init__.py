"""diagnose() and repair(): rules, remedies and study put together."""

from torchclinic.clinic.diagnosing import diagnose
from torchclinic.clinic.loading import load_recipe
from torchclinic.clinic.repairing import repair

__all__ = ["diagnose", "load_recipe", "repair"]
