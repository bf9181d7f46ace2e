"""The printed code, run on a fresh model, makes the model that the remedy makes."""

import pytest
import torch
from torch import nn

from remedies.patients import PATIENTS, fewer, patient
from torchclinic.core import Applicability, Change
from torchclinic.remedies import REMEDIES
from torchclinic.training import build_model, build_optimizer, compute_loss, seeded

DRAWS = ("reinitialise", "orthogonal-init", "lsuv-init")
LEFT_OUT = {
    ("relu-activations", "data-dependent"),
    ("residual", "data-dependent"),
    ("residual", "data-dependent-modules"),
    ("leaky-activations", "transformer"),
}
STRUCTURE = [
    name
    for name, remedy in ((name, REMEDIES[name]) for name in REMEDIES)
    if hasattr(remedy, "edit") or name.startswith("standardise") or name == "match-loss"
]
pytestmark = pytest.mark.filterwarnings("ignore:Using a target size")


def cases():
    for name in PATIENTS:
        recipe, case = patient(name)
        for remedy in REMEDIES.members():
            change = remedy.plan(recipe, case)
            shown = remedy.applicability is Applicability.DISPLAY_ONLY
            if isinstance(change, Change) and (remedy.name, name) not in LEFT_OUT and not shown:
                yield remedy.name, name


CASES = list(cases())


def script(name, code, seed=0):
    """The variables of a training script in which the code was pasted."""
    recipe, _ = patient(name)
    train_inputs, train_targets = recipe.splits.train
    model = build_model(recipe, seed)
    variables = {
        "model": model,
        "loss_fn": recipe.loss,
        "optimizer": build_optimizer(recipe, model),
        "train_inputs": train_inputs.clone(),
        "train_targets": train_targets.clone(),
        "epochs": 3,
        "train_loader": range(10),
    }
    with seeded(seed):
        exec(code, variables)
    return variables


def layers(model):
    """What is computed: the leaves and bare parameters in order, without the names around them."""
    modules = [module for _, module in model.named_modules(remove_duplicate=False)]
    leaves = [repr(module) for module in modules if not list(module.children())]
    return sorted(leaf for leaf in leaves if leaf != "Identity()" and "(\n" not in leaf)


def prediction(model, inputs):
    output = model.eval()(inputs)
    return output if isinstance(output, torch.Tensor) else output[0]


@pytest.mark.parametrize(
    ("remedy", "name"), fewer(p for p in CASES if p[0] in STRUCTURE and p[0] not in DRAWS)
)
def test_by_hand_the_same_model(remedy, name):
    recipe, case = patient(name)
    change = REMEDIES[remedy].plan(recipe, case)
    expected = build_model(change.apply(recipe), 0)
    found = script(name, change.info.code)
    assert layers(found["model"]) == layers(expected)
    inputs = recipe.splits.train[0][:8]
    torch.testing.assert_close(
        prediction(found["model"], inputs),
        prediction(expected, inputs),
        equal_nan=True,
        rtol=2e-3,
        atol=1e-4,
    )


@pytest.mark.parametrize(("remedy", "name"), fewer(pair for pair in CASES if pair[0] in DRAWS))
def test_by_hand_weights_of_the_same_size(remedy, name):
    recipe, case = patient(name)
    change = REMEDIES[remedy].plan(recipe, case)
    if name == "nan" and remedy == "lsuv-init":
        return  # by hand the measurement would meet the NaN; the remedy leaves those rows out
    tolerance = 0.6 if remedy == "lsuv-init" else 0.25  # it measures other rows by hand
    ours, theirs = {}, {}
    for seed in range(8):
        for model, found in (
            (build_model(change.apply(recipe), seed), ours),
            (script(name, change.info.code, seed)["model"], theirs),
        ):
            for key, parameter in model.named_parameters():
                found.setdefault(key, []).append(parameter.detach().flatten())
    for key, values in ours.items():
        one, other = torch.cat(values).std(), torch.cat(theirs[key]).std()
        torch.testing.assert_close(one, other, rtol=tolerance, atol=0.02, msg=key)


@pytest.mark.parametrize(
    ("remedy", "name"), [p for p in CASES if p[0] in ("match-loss", "standardise-targets")]
)
def test_by_hand_the_same_loss(remedy, name):
    recipe, case = patient(name)
    change = REMEDIES[remedy].plan(recipe, case)
    found = script(name, change.info.code)
    inputs, targets = recipe.splits.train
    changed = change.apply(recipe)
    expected, _ = compute_loss(changed, build_model(changed, 0).eval(), (inputs, targets))
    torch.testing.assert_close(found["loss_fn"](found["model"].eval()(inputs), targets), expected)


OPTIMIZER = (
    "learning-rate",
    "adamw",
    "momentum",
    "weight-decay",
    "weaken-penalty",
    "rebuild-optimizer",
    "unfreeze",
)


@pytest.mark.parametrize(("remedy", "name"), fewer(pair for pair in CASES if pair[0] in OPTIMIZER))
def test_by_hand_the_same_optimizer(remedy, name):
    if (remedy, name) in {("weight-decay", "head-only"), ("adamw", "head-only")}:
        return  # by hand these hold all parameters, which heals what rebuild-optimizer is for
    recipe, case = patient(name)
    change = REMEDIES[remedy].plan(recipe, case)
    found = script(name, change.info.code)
    changed = change.apply(recipe)
    model = build_model(changed, 0)
    expected = build_optimizer(changed, model)
    assert type(found["optimizer"]) is type(expected)
    assert options(found["optimizer"], found["model"]) == options(expected, model)
    flags = [p.requires_grad for p in found["model"].parameters()]
    assert flags == [p.requires_grad for p in model.parameters()]


def options(optimizer, model):
    """Parameter name -> the options of its group that matter."""
    names = {id(p): name for name, p in model.named_parameters()}
    keys = ("lr", "momentum", "nesterov", "weight_decay", "betas")
    return {
        names[id(p)]: {key: group[key] for key in keys if key in group}
        for group in optimizer.param_groups
        for p in group["params"]
        if p.requires_grad
    }


@pytest.mark.parametrize("remedy", ["warm-up", "cosine-schedule"])
@pytest.mark.parametrize("steps", [4, 200, None])
def test_by_hand_the_same_schedule(remedy, steps):
    import dataclasses

    recipe, case = patient("shared")
    facts = dataclasses.replace(case.recipe, planned_steps=steps)
    change = REMEDIES[remedy].plan(recipe, dataclasses.replace(case, recipe=facts))
    found = script("shared", change.info.code)
    total = steps or 30  # epochs * len(train_loader) of the script
    changed = change.apply(recipe)
    optimizer = build_optimizer(changed, build_model(changed, 0))
    scheduler = changed.schedule.factory(optimizer, total)
    for _ in range(total):
        ours, theirs = optimizer.param_groups[0]["lr"], found["optimizer"].param_groups[0]["lr"]
        assert ours == pytest.approx(theirs, abs=1e-12)
        for one, other in ((optimizer, scheduler), (found["optimizer"], found["scheduler"])):
            one.step()
            other.step()


def test_warm_up_and_cosine_are_merged_in_either_order():
    recipe, case = patient("shared")
    both = [
        REMEDIES[second].plan(REMEDIES[first].plan(recipe, case).apply(recipe), case)
        for first, second in (("warm-up", "cosine-schedule"), ("cosine-schedule", "warm-up"))
    ]
    made = [
        change.transform(REMEDIES[first].plan(recipe, case).apply(recipe)).schedule.factory
        for change, first in zip(both, ("warm-up", "cosine-schedule"), strict=True)
    ]
    assert made[0] == made[1]
    assert both[0].info.code == both[1].info.code
    script("shared", both[0].info.code)


def test_by_hand_rows_are_dropped():
    recipe, case = patient("nan")
    change = REMEDIES["drop-nonfinite-rows"].plan(recipe, case)
    found = script("nan", change.info.code)
    inputs, targets = change.apply(recipe).splits.train
    assert torch.equal(found["train_inputs"], inputs)
    assert torch.equal(found["train_targets"], targets)


def test_by_hand_labels_are_renumbered():
    recipe, case = patient("wrong-labels")
    change = REMEDIES["fix-labels"].plan(recipe, case)
    found = script("wrong-labels", change.info.code)
    assert found["train_targets"].unique().tolist() == [0, 1, 2, 3]


def test_by_hand_it_stops_early_with_the_best_weights():
    recipe, case = patient("relu-mlp")
    code = REMEDIES["early-stopping"].plan(recipe, case).info.code
    found = script("relu-mlp", code)
    model, stop = found["model"], found["should_stop"]
    assert not stop(model, 1.0)
    best = {key: value.clone() for key, value in model.state_dict().items()}
    with torch.no_grad():
        model[0].weight += 1
    assert [stop(model, 2.0) for _ in range(5)] == [False] * 4 + [True]
    assert all(torch.equal(value, best[key]) for key, value in model.state_dict().items())


def test_by_hand_the_gradient_is_clipped():
    recipe, case = patient("relu-mlp")
    code = REMEDIES["clip-gradient"].plan(recipe, case).info.code
    variables = script("relu-mlp", code)
    model = variables["model"]
    (1000 * model(variables["train_inputs"])).sum().backward()
    exec(code, variables)
    norm = nn.utils.get_total_norm([p.grad for p in model.parameters()])
    assert norm == pytest.approx(1.0, rel=1e-3)


def test_by_hand_unconnected_parameters_are_shown(capsys):
    recipe, case = patient("detached")
    change = REMEDIES["connect-parameters"].plan(recipe, case)
    script("detached", change.info.code)
    assert capsys.readouterr().out == "fc1.weight None\nfc1.bias None\n"
    assert change.transform(recipe) is recipe
