"""Which values an output activation can give, and what the model's output looks like."""

from __future__ import annotations

import math

from torchclinic.core.facts import Case, OutputFacts

# Range of the values that a non-linearity can give.
RANGES: dict[str, tuple[float, float]] = {
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, math.inf),
    "elu": (-1.0, math.inf),
    "selu": (-1.76, math.inf),
    "celu": (-1.0, math.inf),
    "gelu": (-0.17, math.inf),
    "silu": (-0.28, math.inf),
    "mish": (-0.31, math.inf),
    "hardswish": (-0.375, math.inf),
    "sigmoid": (0.0, 1.0),
    "hardsigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "gumbel_softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hardtanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "log_softmax": (-math.inf, 0.0),
    "logsigmoid": (-math.inf, 0.0),
}
PROBABILITIES = ("sigmoid", "hardsigmoid", "softmax", "gumbel_softmax")


def output_activation(case: Case) -> str | None:
    """Name of the non-linearity at the model's output, None if there is none or it is unknown."""
    return case.recipe.model.output_activation if case.recipe is not None else None


def outputs_of(case: Case) -> OutputFacts:
    """Facts of the untrained output; empty ones where they were not gathered."""
    if case.batch is None or case.batch.outputs is None:
        return OutputFacts()
    return case.batch.outputs


def single_column(case: Case) -> bool:
    """Whether the model gives one number a row."""
    shape = outputs_of(case).shape
    return len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)


def loss_kind(case: Case) -> str:
    """What the recipe's loss is; "custom" where there is no recipe."""
    return case.recipe.loss_kind if case.recipe is not None else "custom"
