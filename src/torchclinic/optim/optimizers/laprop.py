"""Adam that scales first and averages then."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

LAPROP = OPTIMIZERS.add(
    "laprop",
    OptimizerKind(
        name="laprop",
        title="LaProp",
        formula=(
            r"m_t = \beta_1 m_{t-1} + (1 - \beta_1) \frac{g_t}{\sqrt{\hat v_t} + "
            r"\epsilon},\quad w_{t+1} = w_t - \eta \hat m_t"
        ),
        attribute="LaProp",
        memory=2,
        source="Ziyin et al. 2020, arXiv 2002.04839",
        library="pytorch_optimizer",
        state="averages of scaled gradients m and of squares v",
    ),
)
