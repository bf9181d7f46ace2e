"""Adagrad that forgets: an average of squares in place of their sum."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

RMSPROP = OPTIMIZERS.add(
    "rmsprop",
    OptimizerKind(
        name="rmsprop",
        title="RMSprop",
        formula=(
            r"v_t = \alpha v_{t-1} + (1 - \alpha) g_t^2,\quad w_{t+1} = w_t - "
            r"\frac{\eta}{\sqrt{v_t} + \epsilon} g_t"
        ),
        attribute="RMSprop",
        memory=1,
        source="Hinton 2012, lecture 6e of Neural Networks for Machine Learning",
        state="the average of squares v",
    ),
)
