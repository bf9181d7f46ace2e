"""Lion with one beta, and weight decay."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

TIGER = OPTIMIZERS.add(
    "tiger",
    OptimizerKind(
        name="tiger",
        title="Tiger",
        formula=(
            r"m_t = \beta m_{t-1} + (1 - \beta) g_t,\quad w_{t+1} = w_t - \eta "
            r"(\mathrm{sign}(m_t) + \lambda w_t)"
        ),
        attribute="Tiger",
        memory=1,
        source="Su 2023, github.com/bojone/tiger",
        library="pytorch_optimizer",
        state="the average of gradients m",
    ),
)
