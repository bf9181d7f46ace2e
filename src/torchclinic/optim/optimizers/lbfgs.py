"""Quasi-Newton: the inverse curvature from the last steps."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

LBFGS = OPTIMIZERS.add(
    "lbfgs",
    OptimizerKind(
        name="lbfgs",
        title="L-BFGS",
        formula=(
            r"w_{t+1} = w_t - \eta H_t g_t, H_t \text{ from the last 100 differences of } w "
            r"\text{ and } g"
        ),
        attribute="LBFGS",
        memory=202,
        source="Liu and Nocedal 1989, doi 10.1007/BF01589116",
        state="the last 100 differences of weights and of gradients, a direction and a gradient",
        note=(
            "For the whole data at once; it evaluates the loss up to 25 times a step, so "
            "`step` needs a closure."
        ),
    ),
)
