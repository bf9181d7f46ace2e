"""Differentiable test functions with known minima, one a file, and the way down them."""

from torchclinic.optim.surfaces.beale import beale
from torchclinic.optim.surfaces.cubic import cubic
from torchclinic.optim.surfaces.descent import Descent, descend
from torchclinic.optim.surfaces.himmelblau import himmelblau
from torchclinic.optim.surfaces.levy import levy
from torchclinic.optim.surfaces.rastrigin import rastrigin
from torchclinic.optim.surfaces.ravine import ravine
from torchclinic.optim.surfaces.rosenbrock import rosenbrock
from torchclinic.optim.surfaces.saddle import saddle
from torchclinic.optim.surfaces.surface import SURFACES, Surface

__all__ = [
    "SURFACES",
    "Descent",
    "Surface",
    "beale",
    "cubic",
    "descend",
    "himmelblau",
    "levy",
    "rastrigin",
    "ravine",
    "rosenbrock",
    "saddle",
]
