"""All experiments, by number: every file in `experiments/`."""

from __future__ import annotations

from pathlib import Path

from torchclinic.core import Registry
from torchclinic.gallery.experiment import Experiment, read_experiment

PACKAGE = "torchclinic.gallery.experiments"


def _registry(folder: Path) -> Registry[Experiment]:
    registry = Registry[Experiment]("experiment")
    files = [path for path in folder.glob("*.py") if not path.name.startswith("_")]
    found = [read_experiment(path, PACKAGE) for path in files]
    for experiment in sorted(found, key=lambda member: (member.number, member.name)):
        registry.add(experiment.name, experiment)
    return registry


GALLERY = _registry(Path(__file__).with_name("experiments"))
