"""Adam with the largest gradient in place of the root of the average square."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

ADAMAX = OPTIMIZERS.add(
    "adamax",
    OptimizerKind(
        name="adamax",
        title="Adamax",
        formula=(
            r"u_t = \max(\beta_2 u_{t-1}, |g_t| + \epsilon),\quad w_{t+1} = w_t - "
            r"\frac{\eta}{1 - \beta_1^t} \frac{m_t}{u_t}"
        ),
        attribute="Adamax",
        memory=2,
        source="Kingma and Ba 2015, section 7.1, arXiv 1412.6980",
        state="the average m and the largest gradient u",
    ),
)
