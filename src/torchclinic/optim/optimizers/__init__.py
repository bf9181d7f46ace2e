"""Optimizers by name, one a file: torch's own and the best known of pytorch_optimizer."""

from torchclinic.optim.optimizers.adabelief import ADABELIEF
from torchclinic.optim.optimizers.adabound import ADABOUND
from torchclinic.optim.optimizers.adadelta import ADADELTA
from torchclinic.optim.optimizers.adafactor import ADAFACTOR
from torchclinic.optim.optimizers.adagrad import ADAGRAD
from torchclinic.optim.optimizers.adam import ADAM
from torchclinic.optim.optimizers.adamax import ADAMAX
from torchclinic.optim.optimizers.adamp import ADAMP
from torchclinic.optim.optimizers.adamw import ADAMW
from torchclinic.optim.optimizers.adan import ADAN
from torchclinic.optim.optimizers.ademamix import ADEMAMIX
from torchclinic.optim.optimizers.adopt import ADOPT
from torchclinic.optim.optimizers.asgd import ASGD
from torchclinic.optim.optimizers.diffgrad import DIFFGRAD
from torchclinic.optim.optimizers.factory import OptimizerFactory
from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind
from torchclinic.optim.optimizers.lamb import LAMB
from torchclinic.optim.optimizers.laprop import LAPROP
from torchclinic.optim.optimizers.lars import LARS
from torchclinic.optim.optimizers.lbfgs import LBFGS
from torchclinic.optim.optimizers.lion import LION
from torchclinic.optim.optimizers.madgrad import MADGRAD
from torchclinic.optim.optimizers.make import make
from torchclinic.optim.optimizers.momentum import MOMENTUM
from torchclinic.optim.optimizers.muon import MUON
from torchclinic.optim.optimizers.nadam import NADAM
from torchclinic.optim.optimizers.nesterov import NESTEROV
from torchclinic.optim.optimizers.novograd import NOVOGRAD
from torchclinic.optim.optimizers.prodigy import PRODIGY
from torchclinic.optim.optimizers.qhadam import QHADAM
from torchclinic.optim.optimizers.radam import RADAM
from torchclinic.optim.optimizers.rmsprop import RMSPROP
from torchclinic.optim.optimizers.rprop import RPROP
from torchclinic.optim.optimizers.sgd import SGD
from torchclinic.optim.optimizers.signsgd import SIGNSGD
from torchclinic.optim.optimizers.sparse_adam import SPARSE_ADAM
from torchclinic.optim.optimizers.tiger import TIGER
from torchclinic.optim.optimizers.yogi import YOGI

__all__ = [
    "ADABELIEF",
    "ADABOUND",
    "ADADELTA",
    "ADAFACTOR",
    "ADAGRAD",
    "ADAM",
    "ADAMAX",
    "ADAMP",
    "ADAMW",
    "ADAN",
    "ADEMAMIX",
    "ADOPT",
    "ASGD",
    "DIFFGRAD",
    "LAMB",
    "LAPROP",
    "LARS",
    "LBFGS",
    "LION",
    "MADGRAD",
    "MOMENTUM",
    "MUON",
    "NADAM",
    "NESTEROV",
    "NOVOGRAD",
    "OPTIMIZERS",
    "PRODIGY",
    "QHADAM",
    "RADAM",
    "RMSPROP",
    "RPROP",
    "SGD",
    "SIGNSGD",
    "SPARSE_ADAM",
    "TIGER",
    "YOGI",
    "OptimizerFactory",
    "OptimizerKind",
    "make",
]
