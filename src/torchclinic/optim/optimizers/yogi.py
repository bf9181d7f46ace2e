"""Adam whose squares change additively, so that the rate does not jump up."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

YOGI = OPTIMIZERS.add(
    "yogi",
    OptimizerKind(
        name="yogi",
        title="Yogi",
        formula=(
            r"v_t = v_{t-1} - (1 - \beta_2)\,\mathrm{sign}(v_{t-1} - g_t^2)\,g_t^2,\quad "
            r"w_{t+1} = w_t - \eta \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}"
        ),
        attribute="Yogi",
        memory=2,
        source="Zaheer et al. 2018, NeurIPS",
        library="pytorch_optimizer",
        state="averages of gradients m and of their squares v",
    ),
)
