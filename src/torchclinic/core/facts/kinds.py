"""The kinds of losses and tasks that are told apart."""

from __future__ import annotations

from typing import Literal

LossKind = Literal[
    "cross-entropy",  # takes scores (logits) and class numbers or class probabilities
    "bce-with-logits",  # takes scores and targets in [0, 1]
    "bce",  # takes probabilities and targets in [0, 1]
    "nll",  # takes log-probabilities and class numbers
    "mse",
    "l1",
    "huber",
    "hinge",
    "custom",  # a function or step we cannot name
]
Task = Literal["classification", "binary", "regression", "unknown"]
