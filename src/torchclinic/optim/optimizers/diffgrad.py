"""Adam that slows down where the gradient hardly changes."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

DIFFGRAD = OPTIMIZERS.add(
    "diffgrad",
    OptimizerKind(
        name="diffgrad",
        title="diffGrad",
        formula=(
            r"\xi_t = \sigma(|g_{t-1} - g_t|),\quad w_{t+1} = w_t - \eta\,\xi_t \frac{\hat "
            r"m_t}{\sqrt{\hat v_t} + \epsilon}"
        ),
        attribute="DiffGrad",
        memory=3,
        source="Dubey et al. 2020, arXiv 1909.11015",
        library="pytorch_optimizer",
        state="averages m and v, and the last gradient",
    ),
)
