"""Adam that finds its own rate from the distance it has come."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

PRODIGY = OPTIMIZERS.add(
    "prodigy",
    OptimizerKind(
        name="prodigy",
        title="Prodigy",
        formula=(
            r"w_{t+1} = w_t - \eta\,d_t \frac{m_t}{\sqrt{v_t} + d_t \epsilon}, d_t \text{ an "
            "estimate of the distance to the solution}"
        ),
        attribute="Prodigy",
        memory=4,
        source="Mishchenko and Defazio 2024, arXiv 2306.06101",
        library="pytorch_optimizer",
        state="averages m and v, the first weights, and a sum of gradients",
        note="Leave the rate at 1: it is found by the method.",
    ),
)
