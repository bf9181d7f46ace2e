"""Steps in the units of the weights, from the ratio of two averages."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

ADADELTA = OPTIMIZERS.add(
    "adadelta",
    OptimizerKind(
        name="adadelta",
        title="Adadelta",
        formula=(
            r"v_t = \rho v_{t-1} + (1 - \rho) g_t^2,\quad d_t = \sqrt{\frac{u_{t-1} + "
            r"\epsilon}{v_t + \epsilon}} g_t,\quad u_t = \rho u_{t-1} + (1 - \rho) "
            r"d_t^2,\quad w_{t+1} = w_t - \eta d_t"
        ),
        attribute="Adadelta",
        memory=2,
        source="Zeiler 2012, arXiv 1212.5701",
        state="averages of squared gradients v and of squared steps u",
        note="Made to do without a rate: eta is 1.",
    ),
)
