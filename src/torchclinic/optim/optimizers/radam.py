"""Adam that trusts its squares only when it has seen enough of them."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

RADAM = OPTIMIZERS.add(
    "radam",
    OptimizerKind(
        name="radam",
        title="RAdam",
        formula=(
            r"\rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t},\quad w_{t+1} = w_t "
            r"- \eta \hat m_t \cdot \{ r_t / (\sqrt{\hat v_t} + \epsilon) \text{ if } \rho_t "
            r"> 5, \text{ else } 1 \}"
        ),
        attribute="RAdam",
        memory=2,
        source="Liu et al. 2020, arXiv 1908.03265",
        state="averages of gradients m and of their squares v",
        note="A warm-up that follows from the variance of v: plain momentum first.",
    ),
)
