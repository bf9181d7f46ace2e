"""Adam with averages mixed with the gradient of now."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

QHADAM = OPTIMIZERS.add(
    "qhadam",
    OptimizerKind(
        name="qhadam",
        title="QHAdam",
        formula=(
            r"w_{t+1} = w_t - \eta \frac{(1 - \nu_1) g_t + \nu_1 \hat m_t}{\sqrt{(1 - \nu_2) "
            r"g_t^2 + \nu_2 \hat v_t} + \epsilon}"
        ),
        attribute="QHAdam",
        memory=2,
        source="Ma and Yarats 2019, arXiv 1810.06801",
        library="pytorch_optimizer",
        state="averages of gradients m and of their squares v",
        note="Both nu are 1 unless given, which is Adam.",
    ),
)
