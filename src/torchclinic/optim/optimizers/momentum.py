"""Gradient descent with a velocity that the gradient changes: the heavy ball."""

from __future__ import annotations

from types import MappingProxyType

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

MOMENTUM = OPTIMIZERS.add(
    "momentum",
    OptimizerKind(
        name="momentum",
        title="momentum",
        formula=r"v_{t+1} = \rho v_t + g_t,\quad w_{t+1} = w_t - \eta v_{t+1}",
        attribute="SGD",
        memory=1,
        source="Polyak 1964, doi 10.1016/0041-5553(64)90137-5",
        fixed=MappingProxyType({"momentum": 0.9}),
        state="the velocity v",
        note=(
            "The rate is outside the velocity here; in Polyak's own form it is inside, which "
            "is the same while it does not change."
        ),
    ),
)
