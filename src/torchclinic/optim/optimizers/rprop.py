"""Only the sign of the gradient counts; each weight has its own step."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

RPROP = OPTIMIZERS.add(
    "rprop",
    OptimizerKind(
        name="rprop",
        title="Rprop",
        formula=(
            r"s_t = s_{t-1} \cdot \{ 1.2 \text{ if } g_t g_{t-1} > 0;\ 0.5 \text{ if } < 0 "
            r"\},\quad w_{t+1} = w_t - s_t\,\mathrm{sign}(g_t)"
        ),
        attribute="Rprop",
        memory=2,
        source="Riedmiller and Braun 1993, doi 10.1109/ICNN.1993.298623",
        state="the last gradient and a step size for each weight",
        note="For the whole data at once: the signs of mini-batches flip by chance.",
    ),
)
