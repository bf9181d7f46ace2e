"""Momentum with a rate for each layer from the length of its weights."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

LARS = OPTIMIZERS.add(
    "lars",
    OptimizerKind(
        name="lars",
        title="LARS",
        formula=(
            r"\eta_l = \eta\,\tau \frac{\lVert w \rVert}{\lVert g \rVert + \lambda \lVert w "
            r"\rVert},\quad v_{t+1} = \rho v_t + \eta_l (g_t + \lambda w_t),\quad w_{t+1} = "
            "w_t - v_{t+1}"
        ),
        attribute="LARS",
        memory=1,
        source="You et al. 2017, arXiv 1708.03888",
        library="pytorch_optimizer",
        state="the velocity v",
        note="The trust tau is 0.001, so rates are around 1 and above.",
    ),
)
