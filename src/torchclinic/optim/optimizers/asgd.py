"""Gradient descent that also averages its weights."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

ASGD = OPTIMIZERS.add(
    "asgd",
    OptimizerKind(
        name="asgd",
        title="averaged SGD",
        formula=(
            r"w_{t+1} = (1 - \lambda \eta_t) w_t - \eta_t g_t,\quad \bar w_{t+1} = \bar w_t + "
            r"\mu_t (w_{t+1} - \bar w_t)"
        ),
        attribute="ASGD",
        memory=1,
        source="Polyak and Juditsky 1992, doi 10.1137/0330046",
        state="the average of the weights",
        note=(
            "The model holds w, not the average; that is in the state under 'ax', from step "
            "t0 = 1e6 on."
        ),
    ),
)
