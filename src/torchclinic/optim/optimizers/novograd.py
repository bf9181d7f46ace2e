"""Adam with one scale for a layer."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

NOVOGRAD = OPTIMIZERS.add(
    "novograd",
    OptimizerKind(
        name="novograd",
        title="NovoGrad",
        formula=(
            r"v_t = \beta_2 v_{t-1} + (1 - \beta_2) \lVert g_t \rVert^2,\quad m_t = \beta_1 "
            r"m_{t-1} + \left(\frac{g_t}{\sqrt{v_t} + \epsilon} + \lambda w_t\right),\quad "
            r"w_{t+1} = w_t - \eta m_t"
        ),
        attribute="NovoGrad",
        memory=1,
        source="Ginsburg et al. 2019, arXiv 1905.11286",
        library="pytorch_optimizer",
        state="the average m; one number of squares for a whole tensor",
    ),
)
