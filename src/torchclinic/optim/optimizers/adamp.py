"""Adam without the part of a step that only lengthens scale-invariant weights."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

ADAMP = OPTIMIZERS.add(
    "adamp",
    OptimizerKind(
        name="adamp",
        title="AdamP",
        formula=(
            r"w_{t+1} = w_t - \eta\,\Pi_w\left(\frac{\hat m_t}{\sqrt{\hat v_t} + "
            r"\epsilon}\right), \Pi_w \text{ removes the part along } w"
        ),
        attribute="AdamP",
        memory=2,
        source="Heo et al. 2021, arXiv 2006.08217",
        library="pytorch_optimizer",
        state="averages of gradients m and of their squares v",
        note="For weights before a norm, whose length does not matter.",
    ),
)
