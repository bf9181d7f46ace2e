"""All changes as one script."""

import itertools

import pytest
import torch
from torch import nn

from remedies.patients import PATIENTS, case_of, patient
from torchclinic.core import AppliedChange, Change, Recipe, SurgeryError
from torchclinic.remedies import REMEDIES, write_patch
from torchclinic.remedies._place import Place
from torchclinic.training import build_model, build_optimizer

COMBINATIONS = [
    ("shared", ("relu-activations", "reinitialise", "learning-rate")),
    ("shared", ("reinitialise", "relu-activations", "batch-norm", "adamw")),
    ("shared", ("batch-norm", "residual", "momentum", "warm-up")),
    ("deep", ("standardise-inputs", "relu-activations", "lsuv-init", "clip-gradient")),
    ("bare", ("reinitialise", "relu-activations", "adamw", "cosine-schedule")),
    ("regression", ("small-output-layer", "standardise-targets", "dropout", "weight-decay")),
    ("softmax", ("remove-output-activation", "dropout", "early-stopping")),
    ("nan", ("drop-nonfinite-rows", "standardise-inputs", "batch-norm")),
    ("functional-cnn", ("batch-norm", "relu-activations", "residual")),
    ("head-only", ("rebuild-optimizer", "learning-rate")),
]


def repaired(name, remedies):
    """The recipe with all remedies, each planned on fresh facts as the search does it."""
    made, case = patient(name)
    for remedy in remedies:
        change = REMEDIES[remedy].plan(made, case)
        assert isinstance(change, Change), (remedy, change)
        made = change.apply(made)
        case = case_of(made)
    return made


def pasted(name, patch):
    """The variables of a script with the patch in it."""
    recipe, _ = patient(name)
    inputs, targets = recipe.splits.train
    model = build_model(recipe, 0)
    variables = {
        "model": model,
        "loss_fn": recipe.loss,
        "optimizer": build_optimizer(recipe, model),
        "train_inputs": inputs.clone(),
        "train_targets": targets.clone(),
    }
    exec(patch, variables)
    return variables


@pytest.mark.parametrize(("name", "remedies"), COMBINATIONS)
def test_the_whole_patch_runs_and_makes_the_repaired_model(name, remedies):
    made = repaired(name, remedies)
    found = pasted(name, write_patch(made.changes))
    ours, theirs = build_model(made, 0), found["model"]
    assert shapes(ours) == shapes(theirs)
    inputs = made.splits.train[0]
    assert first(ours(inputs)).shape == first(theirs(inputs)).shape
    target = found["train_targets"]
    loss = found["loss_fn"](first(theirs(inputs)), target)
    loss.backward()
    assert torch.isfinite(loss)


def shapes(model):
    return sorted(str(tuple(p.shape)) for p in model.parameters())


def first(output):
    return output if isinstance(output, torch.Tensor) else output[0]


def test_imports_come_first_and_once():
    patch = write_patch(repaired("shared", ("batch-norm", "residual", "momentum")).changes)
    lines = patch.split("\n")
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    assert len(set(imports)) == len(imports)
    assert lines[: len(imports)] == imports
    assert imports == [
        "import torch",
        "from torch import nn",
        "from torchclinic.nn import Residual",
    ]


def test_changes_come_in_the_order_of_a_script_whatever_order_they_were_found_in():
    remedies = ("drop-nonfinite-rows", "batch-norm", "reinitialise", "adamw", "clip-gradient")
    made, case = patient("nan")
    infos = [REMEDIES[name].plan(made, case).info for name in remedies]
    patches = {write_patch(order) for order in itertools.permutations(infos)}
    assert len(patches) == 1
    patch = patches.pop()
    places = [patch.index(f"# {info.title}\n") for info in infos]
    assert places == sorted(places)
    ranks = [REMEDIES[name].place for name in remedies]
    assert ranks == sorted(ranks)


def test_weights_are_filled_for_the_activations_that_are_there_in_the_end():
    made, case = patient("shared")
    names = ("reinitialise", "relu-activations")
    first_, second = (REMEDIES[name].plan(made, case).info for name in names)
    assert "xavier" in write_patch([first_])
    assert "xavier" not in write_patch([first_, second])
    model = pasted("shared", write_patch([first_, second]))["model"]
    gain = model.layers[2].weight.std().item() * 16**0.5
    assert gain == pytest.approx(2**0.5, rel=0.25)


def test_a_changed_model_needs_a_new_optimizer():
    made, case = patient("shared")
    norm, rate, clip = (
        REMEDIES[name].plan(made, case).info
        for name in ("batch-norm", "learning-rate", "clip-gradient")
    )
    reminder = "# create the optimizer after this point"
    assert reminder in write_patch([norm, clip])
    assert reminder not in write_patch([norm, rate])
    assert reminder not in write_patch([clip])


def test_nothing_changed_is_no_patch():
    assert write_patch([]) == ""
    assert write_patch([AppliedChange("reinitialise", "x")]) == ""


def test_a_change_of_an_unknown_remedy_comes_last():
    made, case = patient("shared")
    clip = REMEDIES["clip-gradient"].plan(made, case).info
    own = AppliedChange("from-a-plugin", "Something else", code="batch_size = 8")
    norm = REMEDIES["batch-norm"].plan(made, case).info
    patch = write_patch([own, clip, norm])
    assert patch.index(norm.title) < patch.index("# Something else\nbatch_size = 8")


@pytest.mark.slow
@pytest.mark.parametrize("name", PATIENTS)
def test_any_two_remedies_go_together_or_refuse(name):
    made, case = patient(name)
    refused = set()
    for one, two in itertools.permutations(REMEDIES, 2):
        change = REMEDIES[one].plan(made, case)
        if not isinstance(change, Change):
            continue
        try:
            changed = change.apply(made)
            build_model(changed, 0)
            again = REMEDIES[two].plan(changed, case)
            if isinstance(again, Change):
                model = build_model(again.apply(changed), 0)
                assert isinstance(model, nn.Module)
                assert isinstance(
                    build_optimizer(again.apply(changed), model), torch.optim.Optimizer
                )
        except SurgeryError as error:
            refused.add(str(error))
        compile(write_patch(changed.changes), name, "exec")
    assert all(len(reason) > 20 for reason in refused)


def test_places_are_ordered_as_a_script():
    assert list(Place) == sorted(Place)
    assert Place.DATA < Place.MODEL < Place.WEIGHTS < Place.LOSS < Place.OPTIMIZER < Place.LOOP
    assert all(isinstance(REMEDIES[name].place, Place) for name in REMEDIES)
    assert isinstance(patient("shared")[0], Recipe)
