"""A rate for each weight, over the root of the sum of its squared gradients."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

ADAGRAD = OPTIMIZERS.add(
    "adagrad",
    OptimizerKind(
        name="adagrad",
        title="Adagrad",
        formula=(
            r"G_t = G_{t-1} + g_t^2,\quad w_{t+1} = w_t - \frac{\eta}{\sqrt{G_t} + \epsilon} "
            "g_t"
        ),
        attribute="Adagrad",
        memory=1,
        source="Duchi et al. 2011, JMLR 12:2121",
        state="the sum of squares G",
        note="The sum only grows, so the rate only falls.",
    ),
)
