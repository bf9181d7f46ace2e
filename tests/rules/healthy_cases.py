"""Hand-built Cases of healthy trainings: what the facts of a sound training look like."""

import math
import random
from dataclasses import replace

from torchclinic.core import (
    BatchFacts,
    Case,
    Evaluation,
    History,
    InputFacts,
    LabelFacts,
    LayerFacts,
    LayerReadings,
    LRRange,
    ModelFacts,
    OneBatchFacts,
    OptimizerFacts,
    OutputFacts,
    PredictionFacts,
    RecipeFacts,
    Series,
    TargetFacts,
    Trace,
    TracedLayer,
)

STEPS = 400


def falling(start, end, steps=STEPS, noise=0.03, seed=0):
    """A loss curve that falls exponentially, with noise proportional to its level."""
    draw = random.Random(seed)
    rate = 6 / steps
    return tuple(
        (end + (start - end) * math.exp(-rate * k)) * math.exp(draw.gauss(0, noise))
        for k in range(steps)
    )


def flat(level, steps=STEPS, noise=0.005, seed=0):
    draw = random.Random(seed)
    return tuple(level * (1 + draw.gauss(0, noise)) for _ in range(steps))


def constant(value, every=40, steps=STEPS):
    at = tuple(range(1, steps + 1, every))
    return Series(at, tuple(value for _ in at))


def series(*values, steps=STEPS):
    at = tuple(round(1 + i * (steps - 1) / max(len(values) - 1, 1)) for i in range(len(values)))
    return Series(at, tuple(float(value) for value in values))


def linear(name, order, fan_in, fan_out, activation="relu", **more):
    facts = LayerFacts(
        name=name,
        kind="Linear",
        order=order,
        activation=activation,
        output=activation is None,
        parameters=fan_in * fan_out + fan_out,
        fan_in=fan_in,
        fan_out=fan_out,
        weight_shape=(fan_out, fan_in),
        weight_mean=0.0,
        weight_std=1 / math.sqrt(3 * fan_in),
        bias=True,
        bias_std=0.05,
    )
    return replace(facts, **more)


def reading(name, gradient, std=0.5, silent=None, saturated=None, **more):
    facts = LayerReadings(
        name=name,
        activation_mean=0.0,
        activation_std=std,
        saturated_share=saturated,
        saturated_units=saturated,
        silent_share=silent,
        rows=512,
        gradient_norm=gradient * 100,
        gradient_rms=gradient,
        output_gradient_rms=gradient / 10,
    )
    return replace(facts, **more)


def traced(name, order, gradient, ratio=1e-3, silent=None, kind="Linear", activation="relu"):
    found = {
        "gradient_rms": constant(gradient),
        "gradient_norm": constant(gradient * 100),
        "update_ratio": constant(ratio),
        "weight_norm": series(5.0, 5.2, 5.5, 6.0),
        "activation_std": constant(0.7),
        "nonfinite": constant(0.0),
    }
    if silent is not None:
        found["silent_share"] = constant(silent)
    return TracedLayer(name, kind, order, activation, True, found)


def evaluations(train, validation, metric=None, steps=STEPS):
    at = [steps * (k + 1) // len(train) for k in range(len(train))]
    metric = metric or [None] * len(train)
    return tuple(
        evaluation
        for step, t, v, m in zip(at, train, validation, metric, strict=True)
        for evaluation in (Evaluation(step, "train", t, m), Evaluation(step, "validation", v, m))
    )


def lr_range(configured=0.1, valley=0.2, divergence=3.0):
    rates = tuple(10 ** (k / 4 - 6) for k in range(30))
    losses = tuple(2.3 if r < valley / 30 else (0.5 if r < divergence else 50.0) for r in rates)
    return LRRange(
        rates,
        losses,
        losses,
        losses,
        {"valley": valley, "steepest": valley / 2},
        divergence,
        3,
        configured,
    )


def digits_mlp():
    """Ten classes, two hidden ReLU layers, SGD."""
    names = ("layers.0", "layers.2", "layers.4")
    layers = (
        linear("layers.0", 0, 64, 100),
        linear("layers.2", 1, 100, 100),
        linear("layers.4", 2, 100, 10, activation=None),
    )
    recipe = RecipeFacts(
        name="digits",
        loss="CrossEntropyLoss",
        loss_kind="cross-entropy",
        task="classification",
        optimizer=OptimizerFacts("SGD", (0.1,), momentum=0.9),
        model=ModelFacts(
            layers=layers, traced=True, linearity_residual=0.2, parameters=17610, trainable=17610
        ),
        batch_size=32,
        train_rows=1200,
        validation_rows=300,
        steps_per_epoch=40,
        planned_steps=STEPS,
        metric="accuracy",
    )
    batch = BatchFacts(
        inputs=InputFacts("real", (512, 64), 512, 0.0, 1.0, -2.0, 3.0, (0.0,) * 64, (1.0,) * 64),
        targets=TargetFacts(
            "classes", (512,), "int64", 0, 9, 4.5, 2.9, dict.fromkeys(range(10), 51)
        ),
        outputs=OutputFacts((512, 10), -0.4, 0.4, 0.0, 0.12),
        layers=tuple(
            reading(name, gradient, silent=silent)
            for name, gradient, silent in zip(
                names, (0.002, 0.004, 0.02), (0.0, 0.01, None), strict=True
            )
        ),
        initial_loss=2.31,
        expected_loss=math.log(10),
        random_in_eval=False,
        noise_in_eval=0.0,
        labels=LabelFacts(1200, 0.95, 0.1, 90.0, 1.01),
    )
    history = History(
        losses=falling(2.31, 0.08),
        learning_rates=(0.1,) * STEPS,
        gradient_norms=falling(1.0, 0.4, noise=0.1),
        evaluations=evaluations(
            [0.9, 0.4, 0.2, 0.1, 0.08], [0.95, 0.5, 0.3, 0.22, 0.2], [0.7, 0.88, 0.94, 0.97, 0.98]
        ),
        metric="accuracy",
        steps_per_epoch=40,
        planned_steps=STEPS,
    )
    trace = Trace(
        layers=(
            traced("layers.0", 0, 0.002, silent=0.02),
            traced("layers.2", 1, 0.004, silent=0.03),
            traced("layers.4", 2, 0.02, activation=None),
        ),
        steps={"loss": Series(tuple(range(1, STEPS + 1)), falling(2.31, 0.08))},
    )
    one_batch = OneBatchFacts(16, 200, 2.3, (("Adam 0.001", 0.01),), 0.0, passed=True)
    counts = dict.fromkeys(range(10), 30)
    predictions = PredictionFacts(300, counts, counts, dict.fromkeys(range(10), 0.95))
    return Case(recipe, batch, one_batch, lr_range(), history, trace, predictions)


def image_cnn():
    """Conv layers with BatchNorm on images in [0, 1], Adam."""
    base = digits_mlp()
    layers = (
        linear("conv1", 0, 27, 16, kind="Conv2d", weight_shape=(16, 3, 3, 3), normalised=True),
        linear("norm1", 1, 1, 16, kind="BatchNorm2d", weight_std=0.0, weight_shape=(16,)),
        linear("conv2", 2, 144, 32, kind="Conv2d", weight_shape=(32, 16, 3, 3), normalised=True),
        linear("head", 3, 512, 10, activation=None),
    )
    names = ("conv1", "norm1", "conv2", "head")
    return replace(
        base,
        recipe=replace(
            base.recipe,
            name="cnn",
            model=replace(base.recipe.model, layers=layers, norms=1),
            optimizer=OptimizerFacts("Adam", (1e-3,), momentum=0.9),
        ),
        batch=replace(
            base.batch,
            inputs=InputFacts(
                "image", (512, 3, 32, 32), 512, 0.45, 0.25, 0.0, 1.0, (0.4, 0.45, 0.5), (0.25,) * 3
            ),
            layers=tuple(
                reading(name, g, silent=0.0)
                for name, g in zip(names, (0.05, 0.03, 0.01, 0.005), strict=True)
            ),
        ),
        lr_range=lr_range(1e-3, 2e-3, 0.5),
        history=replace(base.history, losses=falling(2.4, 0.7), learning_rates=(1e-3,) * STEPS),
        trace=Trace(
            layers=tuple(
                traced(name, k, g, kind=kind)
                for k, (name, g, kind) in enumerate(
                    zip(
                        names,
                        (0.05, 0.03, 0.01, 0.005),
                        ("Conv2d", "BatchNorm2d", "Conv2d", "Linear"),
                        strict=True,
                    )
                )
            ),
            steps={"loss": Series(tuple(range(1, STEPS + 1)), falling(2.4, 0.7))},
        ),
    )


def table_regression():
    """Squared error on standardised targets, one tanh layer."""
    layers = (
        linear("0", 0, 13, 64, activation="tanh"),
        linear("2", 1, 64, 64, activation="tanh"),
        linear("4", 2, 64, 1, activation=None),
    )
    base = digits_mlp()
    losses = falling(1.05, 0.12, noise=0.1)
    return Case(
        replace(
            base.recipe,
            name="table",
            loss="MSELoss",
            loss_kind="mse",
            task="regression",
            metric="r2",
            model=replace(base.recipe.model, layers=layers),
        ),
        BatchFacts(
            inputs=InputFacts(
                "real", (512, 13), 512, 0.0, 1.0, -4.0, 5.0, (0.0,) * 13, (1.0,) * 13
            ),
            targets=TargetFacts("real", (512, 1), "float32", -2.0, 3.0, 0.0, 1.0),
            outputs=OutputFacts((512, 1), -0.4, 0.5, 0.02, 0.2),
            layers=(
                reading("0", 0.01, saturated=0.02),
                reading("2", 0.02, saturated=0.0),
                reading("4", 0.1),
            ),
            initial_loss=1.05,
            expected_loss=1.0,
        ),
        base.one_batch,
        lr_range(0.01, 0.03, 1.0),
        History(
            losses=losses,
            learning_rates=(0.01,) * STEPS,
            gradient_norms=falling(2.0, 0.5, noise=0.2),
            evaluations=evaluations(
                [0.6, 0.3, 0.2, 0.14, 0.12],
                [0.65, 0.36, 0.28, 0.25, 0.24],
                [0.3, 0.6, 0.7, 0.75, 0.76],
            ),
            metric="r2",
            steps_per_epoch=40,
            planned_steps=STEPS,
        ),
        Trace(
            layers=tuple(
                traced(name, k, g, activation="tanh")
                for k, (name, g) in enumerate((("0", 0.01), ("2", 0.02), ("4", 0.1)))
            ),
            steps={"loss": Series(tuple(range(1, STEPS + 1)), losses)},
        ),
    )


def text_lstm():
    """Token numbers, an LSTM, two classes by a binary cross-entropy on scores."""
    layers = (
        linear("embedding", 0, 1, 32, kind="Embedding", activation=None, output=False),
        linear("lstm", 1, 32, 64, kind="LSTM", activation=None, output=False),
        linear("head", 2, 64, 1, activation=None),
    )
    base = table_regression()
    losses = falling(0.69, 0.25)
    return replace(
        base,
        recipe=replace(
            base.recipe,
            name="lstm",
            loss="BCEWithLogitsLoss",
            loss_kind="bce-with-logits",
            task="binary",
            metric="accuracy",
            model=replace(base.recipe.model, layers=layers, recurrent=True, embedding=True),
        ),
        batch=BatchFacts(
            inputs=InputFacts("tokens", (512, 20), 512),
            targets=TargetFacts(
                "binary", (512, 1), "float32", 0.0, 1.0, 0.5, 0.5, {0: 256, 1: 256}
            ),
            outputs=OutputFacts((512, 1), -0.2, 0.2, 0.0, 0.05),
            layers=(reading("lstm", 0.001), reading("head", 0.02)),
            initial_loss=0.694,
            expected_loss=math.log(2),
        ),
        history=replace(
            base.history,
            losses=losses,
            metric="accuracy",
            evaluations=evaluations([0.5, 0.35, 0.25], [0.55, 0.42, 0.4], [0.75, 0.85, 0.9]),
        ),
        trace=Trace(
            layers=(
                traced("embedding", 0, 1e-6, kind="Embedding", activation=None),
                traced("lstm", 1, 0.001, kind="LSTM", activation=None),
                traced("head", 2, 0.02, activation=None),
            ),
            steps={"loss": Series(tuple(range(1, STEPS + 1)), losses)},
        ),
    )


def deep_relu_that_learns():
    """Ten ReLU layers at torch's default: the gradient fades 3000-fold, and yet it learns."""
    base = digits_mlp()
    names = [f"layers.{2 * k}" for k in range(11)]
    fade = [0.02 * 0.45 ** (10 - k) for k in range(11)]
    layers = tuple(
        linear(
            name,
            k,
            64 if k == 0 else 100,
            10 if k == 10 else 100,
            activation=None if k == 10 else "relu",
        )
        for k, name in enumerate(names)
    )
    return replace(
        base,
        recipe=replace(base.recipe, name="deep", model=replace(base.recipe.model, layers=layers)),
        batch=replace(
            base.batch,
            layers=tuple(
                reading(name, g, std=0.5 * 0.45**k, silent=0.02)
                for k, (name, g) in enumerate(zip(names, fade, strict=True))
            ),
        ),
        trace=replace(
            base.trace,
            layers=tuple(
                traced(name, k, g, silent=0.05)
                for k, (name, g) in enumerate(zip(names, fade, strict=True))
            ),
        ),
    )


def noisy_regression():
    """Half of the variance is noise that nobody can predict: the loss ends there."""
    base = table_regression()
    losses = falling(1.05, 0.45, noise=0.2)
    return replace(
        base,
        history=replace(
            base.history,
            losses=losses,
            evaluations=evaluations(
                [0.7, 0.5, 0.46, 0.45], [0.72, 0.55, 0.54, 0.55], [0.3, 0.45, 0.5, 0.5]
            ),
        ),
        trace=replace(base.trace, steps={"loss": Series(tuple(range(1, STEPS + 1)), losses)}),
    )


HEALTHY = {
    function.__name__: function
    for function in (
        digits_mlp,
        image_cnn,
        table_regression,
        text_lstm,
        deep_relu_that_learns,
        noisy_regression,
    )
}
