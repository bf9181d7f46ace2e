"""Adam that divides by the squares of the steps before, and so converges with any beta_2."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

ADOPT = OPTIMIZERS.add(
    "adopt",
    OptimizerKind(
        name="adopt",
        title="ADOPT",
        formula=(
            r"m_t = \beta_1 m_{t-1} + (1 - \beta_1)\,\mathrm{clip}_{t^{1/4}} "
            r"\frac{g_t}{\max(\sqrt{v_{t-1}}, \epsilon)},\quad w_{t+1} = w_t - \eta m_t"
        ),
        attribute="ADOPT",
        memory=2,
        source="Taniguchi et al. 2024, arXiv 2411.02853",
        library="pytorch_optimizer",
        state="averages of scaled gradients m and of squares v",
        note="The first step only fills v.",
    ),
)
