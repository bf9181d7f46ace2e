"""Adam that divides by how much the gradient surprises, not by how large it is."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

ADABELIEF = OPTIMIZERS.add(
    "adabelief",
    OptimizerKind(
        name="adabelief",
        title="AdaBelief",
        formula=(
            r"s_t = \beta_2 s_{t-1} + (1 - \beta_2)(g_t - m_t)^2 + \epsilon,\quad w_{t+1} = "
            r"w_t - \eta \frac{\hat m_t}{\sqrt{\hat s_t} + \epsilon}"
        ),
        attribute="AdaBelief",
        memory=2,
        source="Zhuang et al. 2020, arXiv 2010.07468",
        library="pytorch_optimizer",
        state="averages of gradients m and of their squared surprise s",
    ),
)
