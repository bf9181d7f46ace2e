"""Dual averaging with the cube root of the squares."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

MADGRAD = OPTIMIZERS.add(
    "madgrad",
    OptimizerKind(
        name="madgrad",
        title="MADGRAD",
        formula=(
            r"s_t = s_{t-1} + \eta \sqrt{t} g_t,\ v_t = v_{t-1} + \eta \sqrt{t} g_t^2,\quad "
            r"z_t = w_0 - \frac{s_t}{\sqrt[3]{v_t} + \epsilon},\quad w_{t+1} = \rho w_t + (1 "
            r"- \rho) z_t"
        ),
        attribute="MADGRAD",
        memory=3,
        source="Defazio and Jelassi 2022, arXiv 2101.11075",
        library="pytorch_optimizer",
        state="sums of gradients and of their squares, and the first weights",
        note="Weight decay must be 0 or small: the steps are counted from w_0.",
    ),
)
