"""Momentum and RMSprop together, both corrected for their start at 0."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

ADAM = OPTIMIZERS.add(
    "adam",
    OptimizerKind(
        name="adam",
        title="Adam",
        formula=(
            r"m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t,\quad v_t = \beta_2 v_{t-1} + (1 - "
            r"\beta_2) g_t^2,\quad \hat m_t = \frac{m_t}{1 - \beta_1^t},\quad \hat v_t = "
            r"\frac{v_t}{1 - \beta_2^t},\quad w_{t+1} = w_t - \eta \frac{\hat m_t}{\sqrt{\hat "
            r"v_t} + \epsilon}"
        ),
        attribute="Adam",
        memory=2,
        source="Kingma and Ba 2015, arXiv 1412.6980",
        state="averages of gradients m and of their squares v",
        note=(
            "beta^t is a power: the correction fades with t. Its weight_decay is coupled: "
            "lambda w is added to g and so divided by the root of v; `adamw` decays the "
            "weights themselves."
        ),
    ),
)
