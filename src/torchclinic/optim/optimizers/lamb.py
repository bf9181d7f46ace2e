"""Adam's step, scaled in each layer to the length of its weights."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

LAMB = OPTIMIZERS.add(
    "lamb",
    OptimizerKind(
        name="lamb",
        title="LAMB",
        formula=(
            r"r_t = \frac{m_t}{\sqrt{v_t} + \epsilon},\quad w_{t+1} = w_t - \frac{\eta}{1 - "
            r"\beta_1^t} \frac{\lVert w_t \rVert}{\lVert r_t \rVert} r_t"
        ),
        attribute="Lamb",
        memory=2,
        source="You et al. 2020, arXiv 1904.00962",
        library="pytorch_optimizer",
        state="averages of gradients m and of their squares v",
        note=(
            "For large batches. The package corrects m for its start after r is scaled, so "
            "the first steps are up to ten times longer than in the paper; it decays the "
            "weights by themselves, not within r."
        ),
    ),
)
