"""Adam with a second, much slower average of the gradients."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

ADEMAMIX = OPTIMIZERS.add(
    "ademamix",
    OptimizerKind(
        name="ademamix",
        title="AdEMAMix",
        formula=(
            r"w_{t+1} = w_t - \eta \frac{\hat m^{fast}_t + \alpha m^{slow}_t}{\sqrt{\hat v_t} "
            r"+ \epsilon}"
        ),
        attribute="AdEMAMix",
        memory=3,
        source="Pagliardini et al. 2024, arXiv 2409.03137",
        library="pytorch_optimizer",
        state="a fast and a slow average of gradients, one of their squares",
    ),
)
