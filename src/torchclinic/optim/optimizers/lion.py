"""The sign of a momentum: half of Adam's memory."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

LION = OPTIMIZERS.add(
    "lion",
    OptimizerKind(
        name="lion",
        title="Lion",
        formula=(
            r"w_{t+1} = w_t - \eta\,\mathrm{sign}(\beta_1 m_t + (1 - \beta_1) g_t),\quad "
            r"m_{t+1} = \beta_2 m_t + (1 - \beta_2) g_t"
        ),
        attribute="Lion",
        memory=1,
        source="Chen et al. 2023, arXiv 2302.06675",
        library="pytorch_optimizer",
        state="the average of gradients m",
        note="Every weight moves by the rate: take 3 to 10 times less than for Adam.",
    ),
)
