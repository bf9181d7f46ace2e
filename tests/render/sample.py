"""Realistic values to render: a paralysed sigmoid net on digits, and its harder relatives."""

from __future__ import annotations

import dataclasses
import math
import random

from torchclinic.core import (
    AppliedChange,
    ArmResult,
    BatchFacts,
    Case,
    Cost,
    Diagnosis,
    Evaluation,
    Evidence,
    Finding,
    History,
    InputFacts,
    LayerFacts,
    LayerReadings,
    Level,
    LRRange,
    ModelFacts,
    OneBatchFacts,
    OptimizerFacts,
    Outcome,
    PairedComparison,
    Recipe,
    RecipeFacts,
    Repair,
    Run,
    Series,
    Stage,
    TargetFacts,
    Trace,
    TracedLayer,
    Verdict,
    WatchCost,
)

SEEDS = (101, 102, 103, 104, 105, 106)
EPOCHS, PER_EPOCH = 25, 36
STEPS = EPOCHS * PER_EPOCH
NAMES = ("fc1", "fc2", "fc3", "out")
NAN = float("nan")


def a_recipe(name="sigmoid-3x100"):
    return Recipe(model=lambda: None, data=[], loss=min, optimizer=list, epochs=EPOCHS, name=name)


# ------------------------------------------------------------------------------------ curves


def rise(step, late=0.975, half=110.0, start=0.1):
    return start + (late - start) / (1 + (half / (step + 1)) ** 2.2)


def history(seed, *, works, metric="accuracy", steps=STEPS, nan_from=None):
    rng = random.Random(seed * 2 + works)
    half = rng.uniform(70, 130)
    losses = []
    for k in range(steps):
        share = rise(k, 0.99, half) if works else 0.1
        loss = -math.log(max(share, 0.02)) + abs(rng.gauss(0, 0.02 if works else 0.006))
        losses.append(NAN if nan_from is not None and k >= nan_from else loss)
    every = max(1, steps // EPOCHS)
    evaluations = []
    for step in range(0, steps + 1, every):
        share = rise(step, 0.968 + rng.gauss(0, 0.004), half) if works else 0.1
        share = min(0.995, max(0.05, share + rng.gauss(0, 0.006)))
        loss = -math.log(min(0.985, share + 0.02))
        if nan_from is not None and step >= nan_from:
            loss, share = NAN, 0.0969
        evaluations.append(Evaluation(step, "validation", loss, share if metric else None))
    last = evaluations[-1]
    evaluations.append(Evaluation(last.step, "test", last.loss * 1.02, last.metric))
    return History(
        losses=tuple(losses),
        learning_rates=tuple(0.05 if works else 1e-3 for _ in losses),
        evaluations=tuple(evaluations),
        metric=metric,
        steps_per_epoch=PER_EPOCH,
        planned_steps=steps,
        ending="diverged" if nan_from is not None else "budget",
        seconds=rng.uniform(0.6, 0.8),
    )


# ------------------------------------------------------------------------------------- trace


def layer_series(order, depth, *, works, seed, readings=30, steps=STEPS):
    rng = random.Random(seed + 31 * order + 7 * works)
    at = tuple(
        sorted({max(1, round(steps * (i / (readings - 1)) ** 1.4)) for i in range(readings)})
    )
    fade = 10 ** (-4.6 * (depth - 1 - order) / max(1, depth - 1))

    def over(base, drift, noise):
        return Series(
            at, tuple(base * (1 + drift * s / steps) * math.exp(rng.gauss(0, noise)) for s in at)
        )

    if works:
        gradient = over(2.6e-3 * (1.4 - 0.25 * order / max(1, depth - 1)), -0.8, 0.18)
        return {
            "gradient_rms": gradient,
            "activation_std": over(0.9 + 0.1 * order, 0.8, 0.04),
            "activation_mean": over(0.05, 0.3, 0.2),
            "silent_share": Series(at, tuple(0.02 + 0.01 * order for _ in at)),
            "update_ratio": over(1.5e-3, -0.7, 0.2),
        }
    return {
        "gradient_rms": over(1.1e-2 * fade, -0.3, 0.12),
        "activation_std": over(0.31 * 0.7**order, 0.0, 0.02),
        "activation_mean": over(-0.02, 0.1, 0.2),
        "saturated_share": Series(at, tuple(0.01 * (order == 0) for _ in at)),
        "update_ratio": over(1.7e-4 * fade, -0.2, 0.1),
    }


def trace(*, works, names=NAMES, seed=1, readings=30, steps=STEPS):
    layers = tuple(
        TracedLayer(
            name=name,
            kind="Linear",
            order=order,
            activation=None if order == len(names) - 1 else ("relu" if works else "sigmoid"),
            series=layer_series(
                order, len(names), works=works, seed=seed, readings=readings, steps=steps
            ),
        )
        for order, name in enumerate(names)
    )
    return Trace(
        layers=layers,
        cost=WatchCost(budget=0.03, share=0.021, every=31, readings=readings, steps=steps),
        meta={"torch": "2.13.0"},
    )


# ----------------------------------------------------------------------------------- findings


def vanishing(layer="fc1", last="out", consequences=True):
    ratio = Evidence(
        f"gradient RMS, {layer} over {last}",
        2.5e-5,
        1e-3,
        "<",
        source="AUTOTRAINER (ICSE 2021), calibrated on healthy trainings",
        layer=layer,
    )
    update = Evidence(
        "update-to-weight ratio", 4.3e-9, 1e-4, "<", layer=layer, source="TheDeepChecker"
    )
    loss = Evidence("training loss, last tenth over first", 0.998, 0.95, ">", unit="")
    folded = (
        Finding(
            "CRV101",
            "plateau",
            Level.WARNING,
            "The loss stands at 2.303, the loss of guessing, for all 900 steps",
            "The loss of the last tenth is within 0.2 % of that of the first.",
            (Evidence("slope of log loss per epoch", -6e-5, 1e-3, "<"),),
            Stage.CURVE,
            steps=(1, STEPS),
        ),
        Finding(
            "LRN102",
            "update-ratio",
            Level.WARNING,
            f"Updates of {layer} are 4.3e-09 of its weights",
            "A step this small leaves the weights where they were.",
            (update,),
            Stage.NUMERICS,
            layers=(layer,),
            steps=(1, STEPS),
        ),
    )
    return Finding(
        code="GRD101",
        rule="vanishing-gradient",
        level=Level.ERROR,
        title=f"The gradient of {layer} is 40,000 times smaller than that of {last}",
        explanation=(
            "A sigmoid's slope is at most 1/4, so every layer on the way back shrinks the "
            f"gradient. By the time it reaches {layer} nothing is left to learn from: the layer "
            "keeps its random weights, and the layers above it see noise."
        ),
        evidence=(ratio, update, loss),
        stage=Stage.NUMERICS,
        layers=(layer, "fc2") if layer == "fc1" else (layer,),
        steps=(1, STEPS),
        confidence=0.97,
        remedies=("relu-activations", "reinitialise", "batch-norm", "learning-rate"),
        explains=("CRV101", "LRN102"),
        consequences=folded if consequences else (),
    )


def hint():
    return Finding(
        "DAT101",
        "unscaled-inputs",
        Level.INFO,
        "Inputs have mean 4.88 and standard deviation 6.02",
        "Standardised inputs let one learning rate fit all weights.",
        (Evidence("input standard deviation", 6.02, 2.0, ">", source="SageMaker Debugger"),),
        Stage.DATA,
    )


def recipe_facts(names=NAMES):
    layers = tuple(
        LayerFacts(
            name,
            "Linear",
            i,
            activation=None if name == names[-1] else "sigmoid",
            output=name == names[-1],
            parameters=10100,
            fan_in=100,
            weight_shape=(100, 100),
            weight_std=0.0577,
            bias=True,
        )
        for i, name in enumerate(names)
    )
    return RecipeFacts(
        name="sigmoid-3x100",
        loss="CrossEntropyLoss",
        loss_kind="cross-entropy",
        task="classification",
        optimizer=OptimizerFacts("SGD", (1e-3,)),
        model=ModelFacts(layers=layers, traced=True, parameters=27710, trainable=27710),
        batch_size=32,
        train_rows=1149,
        validation_rows=288,
        steps_per_epoch=PER_EPOCH,
        planned_steps=STEPS,
        metric="accuracy",
    )


def batch_facts(names=NAMES):
    depth = len(names)
    return BatchFacts(
        inputs=InputFacts("real", (64,), 512, 4.88, 6.02, 0.0, 16.0),
        targets=TargetFacts(
            "classes", dtype="int64", minimum=0, maximum=9, class_counts={0: 52, 1: 50}
        ),
        layers=tuple(
            LayerReadings(
                n,
                -0.02,
                0.3,
                rows=512,
                gradient_rms=1.1e-2 * 10 ** (-4.6 * (depth - 1 - i) / max(1, depth - 1)),
            )
            for i, n in enumerate(names)
        ),
        initial_loss=2.34,
        expected_loss=2.302,
    )


def lr_range(configured=1e-3):
    rates, losses, low, high = [], [], [], []
    for i in range(90):
        rate = 10 ** (-5 + i * 6.2 / 89)
        drop = 1 / (1 + (0.02 / rate) ** 1.6)
        blow = (rate / 1.6) ** 3
        loss = 2.31 - 1.75 * drop + blow * 0.4
        band = 0.015 + 0.1 * drop
        rates.append(rate)
        losses.append(loss)
        low.append(loss - band)
        high.append(loss + band)
    return LRRange(
        tuple(rates),
        tuple(losses),
        tuple(low),
        tuple(high),
        {"valley": 0.052, "steepest": 0.021, "minimum/10": 0.041},
        divergence=2.4,
        seeds=3,
        configured=configured,
    )


def diagnosis(names=NAMES, findings=None):
    return Diagnosis(
        findings=(vanishing(names[0], names[-1]), hint()) if findings is None else findings,
        case=Case(
            recipe=recipe_facts(names),
            batch=batch_facts(names),
            one_batch=OneBatchFacts(
                16, 300, 2.34, (("SGD 0.001", 2.30), ("Adam 0.01", 0.9)), 0.4, False
            ),
            lr_range=lr_range(),
            history=history(7, works=False),
            trace=trace(works=False, names=names),
        ),
        name="sigmoid-3x100",
        skipped={"DAT105": "the recipe has no validation inputs to compare"},
        notes=("the activations of 'out' were read on 512 of 1,149 rows",),
        seconds=3.2,
    )


def healthy_diagnosis():
    return dataclasses.replace(
        diagnosis(findings=()),
        case=Case(
            recipe=recipe_facts(),
            batch=batch_facts(),
            lr_range=lr_range(0.05),
            history=history(7, works=True),
            trace=trace(works=True),
        ),
        name="relu-3x100",
        skipped={},
        notes=(),
    )


# -------------------------------------------------------------------------------------- repair

RELU = AppliedChange(
    "relu-activations",
    "ReLU in place of 3 sigmoids",
    "A ReLU passes the gradient of active units unchanged, so depth does not shrink it.",
    "import torch.nn as nn\n\nfor parent in list(model.modules()):\n"
    "    for name, child in parent.named_children():\n"
    "        if isinstance(child, nn.Sigmoid):\n            setattr(parent, name, nn.ReLU())",
    "Glorot, Bordes & Bengio, AISTATS 2011",
)
HE = AppliedChange(
    "reinitialise",
    "He initialisation for ReLU",
    "Keeps the variance of activations and gradients the same from layer to layer.",
    "for layer in (model.fc1, model.fc2, model.fc3):\n"
    '    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")\n'
    "    nn.init.zeros_(layer.bias)",
    "He et al., arXiv 1502.01852",
)
RATE = AppliedChange(
    "learning-rate",
    "learning rate 0.001 to 0.052",
    "The range test finds the steepest descent 50 times above the configured rate.",
    "optimizer = torch.optim.SGD(model.parameters(), lr=0.052)  # was 1e-3",
    "Smith, arXiv 1506.01186",
)
PATCH = """\
import torch
from torch import nn

# ReLU in place of 3 sigmoids
for parent in list(model.modules()):
    for name, child in parent.named_children():
        if isinstance(child, nn.Sigmoid):
            setattr(parent, name, nn.ReLU())

# He initialisation for ReLU
for layer in (model.fc1, model.fc2, model.fc3):
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)

# learning rate 0.001 to 0.052
optimizer = torch.optim.SGD(model.parameters(), lr=0.052)  # was 1e-3
"""


def arm(name, kind, middle, *, changes=(), chosen=False, note="", seed=0, seeds=3, seconds=2.1):
    rng = random.Random(seed + len(name))
    scores = tuple(min(0.99, middle + rng.gauss(0, 0.008)) for _ in range(seeds))
    curve = tuple((s, 0.1 + (middle - 0.1) / (1 + (60 / (s + 1)) ** 2)) for s in range(0, 301, 30))
    return ArmResult(name, kind, changes, scores, curve, 300, seconds, chosen, note)


def arms():
    return (
        arm("faulty", "faulty", 0.101),
        arm("relu + he + lr", "candidate", 0.948, changes=(RELU, HE, RATE), chosen=True),
        arm("relu + he", "candidate", 0.412, changes=(RELU, HE)),
        arm("batch-norm + lr", "candidate", 0.921, changes=(RATE,)),
        arm("lr", "candidate", 0.118, changes=(RATE,)),
        arm("relu", "candidate", 0.176, changes=(RELU,)),
        arm("adamw", "candidate", 0.735),
        arm(
            "residual", "candidate", 0.0, seeds=0, note="shapes differ: 64 in, 100 out", seconds=0.0
        ),
        arm("random: dropout", "random", 0.099),
        arm("re-run", "re-run", 0.104),
    )


def comparison(before, after, seeds, metric="accuracy"):
    differences = [a - b for a, b in zip(after, before, strict=True)]
    mean = sum(differences) / len(differences)
    spread = (sum((d - mean) ** 2 for d in differences) / max(1, len(differences) - 1)) ** 0.5
    return PairedComparison(
        metric,
        True,
        tuple(seeds),
        tuple(before),
        tuple(after),
        mean,
        mean - 1.1 * spread,
        mean + 0.9 * spread,
        0.95,
        2 / 2 ** len(seeds),
        mean / spread if spread else math.inf,
        sum(d > 0 for d in differences) / len(differences),
    )


def runs(works, seeds=SEEDS, names=NAMES, **options):
    return tuple(
        Run(
            "sigmoid-3x100",
            seed,
            history(seed, works=works, **options),
            trace(works=works, names=names) if seed == seeds[0] else None,
        )
        for seed in seeds
    )


def tests_of(runs_):
    return tuple(r.history.last("test").metric for r in runs_)


def repair(names=NAMES, seeds=SEEDS, outcome=Outcome.REPAIRED):
    before, after = runs(False, seeds, names), runs(True, seeds, names)
    return Repair(
        name="sigmoid-3x100",
        data="digits",
        diagnosis=diagnosis(names),
        verdict=Verdict(
            outcome,
            "Accuracy on held-out data is better with every seed, beyond chance and beyond both "
            "controls, and the vanishing gradient is gone.",
            comparison(tests_of(before), tests_of(after), seeds),
        ),
        recipe=a_recipe(),
        changes=(RELU, HE, RATE),
        patch=PATCH,
        arms=arms(),
        before=before,
        after=after,
        remaining=dataclasses.replace(healthy_diagnosis(), findings=(hint(),)),
        lr_range=lr_range(),
        cost=Cost(8.0, 2.9, 12.0, 11.8, 23.4, 3.2, 0.72),
        judged_on="360 test rows that the search never saw",
        environment={
            "torchclinic": "0.1.0",
            "torch": "2.13.0+cpu",
            "python": "3.12.3",
            "processor": "x86_64, 2 cores, 1 thread",
            "seeds": "101 to 106",
        },
        command="torchclinic repair examples/sigmoid.py --seeds 6 -o report.html",
    )


def deep_repair(depth=100):
    names = tuple(f"body.blocks.{i}.mixer.projection" for i in range(depth))
    return repair(names)


def one_seed_repair():
    base = repair(seeds=(5,))
    return dataclasses.replace(
        base,
        verdict=dataclasses.replace(
            base.verdict,
            outcome=Outcome.INCONCLUSIVE,
            sentence="One seed cannot settle it: at least 6 pairs are needed.",
        ),
    )


def nan_repair():
    base = repair()
    before = tuple(
        Run("wild", s, history(s, works=True, nan_from=200 + 30 * i), trace(works=False))
        for i, s in enumerate(SEEDS)
    )
    return dataclasses.replace(base, name="wild", before=before)


def bare_repair():
    """Nothing but what a Repair must have."""
    return Repair("bare", "data", Diagnosis(), Verdict(Outcome.HEALTHY, ""), a_recipe("bare"))


def healthy_repair():
    good = tuple(dataclasses.replace(r, trace=None) for r in runs(True, SEEDS[:1]))
    return Repair(
        name="relu-3x100",
        data="digits",
        diagnosis=healthy_diagnosis(),
        verdict=Verdict(
            Outcome.HEALTHY, "No rule found an error or a warning: nothing was changed."
        ),
        recipe=a_recipe("relu-3x100"),
        before=good,
        lr_range=lr_range(0.05),
        cost=Cost(8.0, diagnosis_seconds=3.0, training_seconds=0.7),
        environment={"torch": "2.13.0+cpu"},
        command="torchclinic repair examples/relu.py",
    )


def not_repaired():
    base = repair(outcome=Outcome.NOT_REPAIRED)
    worse = tuple(
        dataclasses.replace(a, scores=tuple(0.1 + 0.003 * i for i in range(3)), chosen=False)
        for a in base.arms
    )
    return dataclasses.replace(
        base,
        verdict=Verdict(
            Outcome.NOT_REPAIRED,
            "None of 7 candidates beats the unchanged recipe and the controls on the search split.",
        ),
        changes=(),
        patch="",
        arms=worse,
        after=(),
        remaining=None,
    )


HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&amp;{{7*7}}"


def hostile_repair(name=HOSTILE, seeds=SEEDS):
    names = (name, "fc2", "fc3" * 40, "out")
    base = repair(names, seeds)
    change = AppliedChange(name, name, name, f"# {name}\n", name)
    return dataclasses.replace(
        base,
        name=name,
        data=name,
        judged_on=name,
        command=name,
        patch=f"# {name}\n",
        changes=(change,),
        environment={name: name},
        verdict=dataclasses.replace(base.verdict, sentence=name),
        arms=(*base.arms, arm(name, "candidate", 0.5, changes=(change,), note=name)),
        diagnosis=dataclasses.replace(
            base.diagnosis, name=name, notes=(name,), skipped={name: name}
        ),
    )


def all_repairs():
    return {
        "repaired": repair(),
        "healthy": healthy_repair(),
        "not-repaired": not_repaired(),
        "one-seed": one_seed_repair(),
        "nan": nan_repair(),
        "bare": bare_repair(),
        "deep": deep_repair(),
        "hostile": hostile_repair(),
    }


def all_diagnoses():
    return {
        "sick": diagnosis(),
        "healthy": healthy_diagnosis(),
        "empty": Diagnosis(),
        "readings-only": dataclasses.replace(
            diagnosis(), case=Case(recipe=recipe_facts(), batch=batch_facts())
        ),
        "trace-only": dataclasses.replace(diagnosis(), case=Case(trace=trace(works=False))),
    }
