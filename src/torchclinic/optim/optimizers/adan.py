"""Nesterov's momentum without a look-ahead, with adaptive rates."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

ADAN = OPTIMIZERS.add(
    "adan",
    OptimizerKind(
        name="adan",
        title="Adan",
        formula=(
            r"m_t = (1 - \beta_1) m_{t-1} + \beta_1 g_t,\ d_t = (1 - \beta_2) d_{t-1} + "
            r"\beta_2 (g_t - g_{t-1}),\ n_t = (1 - \beta_3) n_{t-1} + \beta_3 (g_t + (1 - "
            r"\beta_2)(g_t - g_{t-1}))^2,\quad w_{t+1} = w_t - \eta \frac{\hat m_t + (1 - "
            r"\beta_2) \hat d_t}{\sqrt{\hat n_t} + \epsilon}"
        ),
        attribute="Adan",
        memory=4,
        source="Xie et al. 2022, arXiv 2208.06677",
        library="pytorch_optimizer",
        state="three averages and the last gradient",
        note="The package's betas are 1 - the paper's.",
    ),
)
