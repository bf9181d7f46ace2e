"""Adam whose rates are bounded more and more, until it is SGD."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

ADABOUND = OPTIMIZERS.add(
    "adabound",
    OptimizerKind(
        name="adabound",
        title="AdaBound",
        formula=(
            r"w_{t+1} = w_t - \mathrm{clip}\left(\frac{\eta}{\sqrt{v_t}}, \eta_l(t), "
            r"\eta_u(t)\right) m_t"
        ),
        attribute="AdaBound",
        memory=2,
        source="Luo et al. 2019, arXiv 1902.09843",
        library="pytorch_optimizer",
        state="averages of gradients m and of their squares v",
        note="Both bounds go to final_lr = 0.1.",
    ),
)
