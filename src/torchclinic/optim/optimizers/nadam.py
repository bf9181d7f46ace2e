"""Adam with Nesterov's look-ahead."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

NADAM = OPTIMIZERS.add(
    "nadam",
    OptimizerKind(
        name="nadam",
        title="NAdam",
        formula=(
            r"\mu_t = \beta_1 (1 - 0.5 \cdot 0.96^{0.004 t}),\quad \bar m_t = \frac{\mu_{t+1} "
            r"m_t}{1 - \prod_{i \le t + 1} \mu_i} + \frac{(1 - \mu_t) g_t}{1 - \prod_{i \le "
            r"t} \mu_i},\quad w_{t+1} = w_t - \eta \frac{\bar m_t}{\sqrt{\hat v_t} + "
            r"\epsilon}"
        ),
        attribute="NAdam",
        memory=2,
        source="Dozat 2016, ICLR workshop",
        state="averages of gradients m and of their squares v",
    ),
)
