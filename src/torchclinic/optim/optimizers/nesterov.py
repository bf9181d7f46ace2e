"""Momentum whose gradient is taken where the velocity is about to lead."""

from __future__ import annotations

from types import MappingProxyType

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

NESTEROV = OPTIMIZERS.add(
    "nesterov",
    OptimizerKind(
        name="nesterov",
        title="Nesterov momentum",
        formula=(
            r"v_{t+1} = \rho v_t + \nabla L(w_t - \eta \rho v_t),\quad w_{t+1} = w_t - \eta "
            "v_{t+1}"
        ),
        attribute="SGD",
        memory=1,
        source="Nesterov 1983; Sutskever et al. 2013, ICML",
        fixed=MappingProxyType({"momentum": 0.9, "nesterov": True}),
        state="the velocity v",
        note=(
            "The look-ahead goes where the velocity leads, down: minus eta rho v. Torch "
            "keeps the point that looks ahead, u = w - eta rho v, and steps by g(u) + rho "
            "v_{t+1}."
        ),
    ),
)
