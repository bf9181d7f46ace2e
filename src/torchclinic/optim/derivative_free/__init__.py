"""Gradient-free methods under one ask/tell protocol, one a file, and one front door to them."""

from torchclinic.optim.derivative_free.cma_es import CMAES
from torchclinic.optim.derivative_free.coordinate_search import CoordinateSearch
from torchclinic.optim.derivative_free.differential_evolution import DifferentialEvolution
from torchclinic.optim.derivative_free.method import METHODS, Best, Method
from torchclinic.optim.derivative_free.minimise import minimise
from torchclinic.optim.derivative_free.minimum import Minimum
from torchclinic.optim.derivative_free.nelder_mead import NelderMead
from torchclinic.optim.derivative_free.on_model import flat_parameters, load_flat, population_loss
from torchclinic.optim.derivative_free.one_plus_one import OnePlusOneES
from torchclinic.optim.derivative_free.powell import Powell
from torchclinic.optim.derivative_free.random_search import RandomSearch
from torchclinic.optim.derivative_free.spsa import SPSA

__all__ = [
    "CMAES",
    "METHODS",
    "SPSA",
    "Best",
    "CoordinateSearch",
    "DifferentialEvolution",
    "Method",
    "Minimum",
    "NelderMead",
    "OnePlusOneES",
    "Powell",
    "RandomSearch",
    "flat_parameters",
    "load_flat",
    "minimise",
    "population_loss",
]
