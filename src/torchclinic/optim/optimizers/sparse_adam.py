"""Adam for sparse gradients."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

SPARSE_ADAM = OPTIMIZERS.add(
    "sparseadam",
    OptimizerKind(
        name="sparseadam",
        title="SparseAdam",
        formula=r"\text{Adam, on the rows that have a gradient}",
        attribute="SparseAdam",
        memory=2,
        source="torch.optim.SparseAdam",
        state="averages of gradients m and of their squares v",
        note="For sparse gradients only, such as those of nn.Embedding(sparse=True).",
    ),
)
