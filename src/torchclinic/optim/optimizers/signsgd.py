"""Every weight moves by the rate, in the direction of its sign."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

SIGNSGD = OPTIMIZERS.add(
    "signsgd",
    OptimizerKind(
        name="signsgd",
        title="signSGD",
        formula=(
            r"m_t = \rho m_{t-1} + (1 - \rho) g_t,\quad w_{t+1} = w_t - "
            r"\eta\,\mathrm{sign}(m_t)"
        ),
        attribute="SignSGD",
        memory=1,
        source="Bernstein et al. 2018, arXiv 1802.04434",
        library="pytorch_optimizer",
        state="the average of gradients m",
    ),
)
