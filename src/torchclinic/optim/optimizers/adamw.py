"""Adam with decoupled weight decay."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

ADAMW = OPTIMIZERS.add(
    "adamw",
    OptimizerKind(
        name="adamw",
        title="AdamW",
        formula=(
            r"w_{t+1} = w_t - \eta \lambda w_t - \eta \frac{\hat m_t}{\sqrt{\hat v_t} + "
            r"\epsilon}"
        ),
        attribute="AdamW",
        memory=2,
        source="Loshchilov and Hutter 2019, arXiv 1711.05101",
        state="averages of gradients m and of their squares v",
        note="lambda is 0.01 unless given. m and v as in Adam.",
    ),
)
