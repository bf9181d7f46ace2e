"""Stochastic gradient descent."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

SGD = OPTIMIZERS.add(
    "sgd",
    OptimizerKind(
        name="sgd",
        title="SGD",
        formula=r"w_{t+1} = w_t - \eta g_t",
        attribute="SGD",
        memory=0,
        source="Robbins and Monro 1951, doi 10.1214/aoms/1177729586",
        state="nothing",
    ),
)
