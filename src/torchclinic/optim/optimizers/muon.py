"""Momentum whose steps are made orthogonal matrices."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

MUON = OPTIMIZERS.add(
    "muon",
    OptimizerKind(
        name="muon",
        title="Muon",
        formula=(
            r"B_t = \rho B_{t-1} + g_t,\quad w_{t+1} = w_t - \eta \lambda w_t - "
            r"\eta \sqrt{\max(1, n_{out} / n_{in})}\,\mathrm{orthogonal}(g_t + \rho B_t)"
        ),
        attribute="Muon",
        memory=1,
        source="Jordan et al. 2024, kellerjordan.github.io/posts/muon",
        state="the momentum B",
        note="For matrices only; leave biases, norms and embeddings to AdamW.",
    ),
)
