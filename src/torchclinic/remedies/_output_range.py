"""Targets that an output activation cannot reach."""

from __future__ import annotations

import math

from torchclinic.core import Case

VALUE_LOSSES = ("mse", "l1", "huber")
# Smallest and largest value that the activation can give.
RANGES: dict[str, tuple[float, float]] = {
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, math.inf),
    "sigmoid": (0.0, 1.0),
    "hardsigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hardtanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "elu": (-1.0, math.inf),
    "celu": (-1.0, math.inf),
    "selu": (-1.7581, math.inf),
    "gelu": (-0.17, math.inf),
    "silu": (-0.2785, math.inf),
    "mish": (-0.3088, math.inf),
    "hardswish": (-0.375, math.inf),
    "logsigmoid": (-math.inf, 0.0),
    "log_softmax": (-math.inf, 0.0),
}
SLACK = 0.05  # of the targets' standard deviation: what measurement noise may exceed


def out_of_reach(case: Case) -> bool:
    """Whether a loss of differences compares targets with values that the output cannot take."""
    if case.recipe is None or case.batch is None or case.recipe.loss_kind not in VALUE_LOSSES:
        return False
    outputs, targets = case.batch.outputs, case.batch.targets
    name = case.recipe.model.output_activation
    if name is None or name not in RANGES or targets.minimum is None or targets.maximum is None:
        return False
    if name == "softmax" and outputs is not None and outputs.shape[-1:] == (1,):
        return True  # always 1
    low, high = RANGES[name]
    slack = SLACK * (targets.std or 0.0)
    return targets.minimum < low - slack or targets.maximum > high + slack
