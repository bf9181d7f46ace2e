"""What every remedy keeps to, on every patient."""

import copy
import pickle
import random
import re
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler

from remedies.patients import PATIENTS, SPECIAL, case_of, fewer, patient
from torchclinic.core import (
    Applicability,
    Change,
    NotApplicable,
    Recipe,
    Remedy,
    SurgeryError,
)
from torchclinic.data.structure import tensors_of
from torchclinic.graph import ForwardRecorder
from torchclinic.remedies import REMEDIES
from torchclinic.training import build_model, build_optimizer, compute_loss, seeded, train

NAMES = [
    "reinitialise",
    "orthogonal-init",
    "lsuv-init",
    "relu-activations",
    "leaky-activations",
    "batch-norm",
    "layer-norm",
    "residual",
    "insert-activation",
    "standardise-inputs",
    "standardise-targets",
    "remove-output-activation",
    "remove-inner-softmax",
    "match-loss",
    "linear-output",
    "small-output-layer",
    "learning-rate",
    "adamw",
    "momentum",
    "warm-up",
    "clip-gradient",
    "cosine-schedule",
    "dropout",
    "weight-decay",
    "weaken-penalty",
    "early-stopping",
    "rebuild-optimizer",
    "unfreeze",
    "drop-nonfinite-rows",
    "fix-labels",
    "connect-parameters",
    "realign-labels",
    "shuffle",
    "class-weights",
    "respect-evaluation-mode",
]
CANNOT_TRAIN = ("wrong-labels",)  # whatever is done to the model, the labels stay wrong
pytestmark = pytest.mark.filterwarnings("ignore:Using a target size")


def planned():
    """(remedy, patient) for all pairs in which the remedy has a change to offer."""
    for name in PATIENTS:
        recipe, case = patient(name)
        for remedy in REMEDIES.members():
            if isinstance(remedy.plan(recipe, case), Change):
                yield remedy.name, name
    for name, (_, remedy) in SPECIAL.items():
        assert isinstance(REMEDIES[remedy].plan(*patient(name)), Change)
        yield remedy, name


def batch_of(recipe):
    train = recipe.splits.train
    inputs, targets = train.dataset.tensors if isinstance(train, DataLoader) else train
    inputs = torch.as_tensor(inputs)
    finite = inputs.reshape(len(inputs), -1).isfinite().all(1)
    return inputs[finite][:8], targets[finite][:8]


@cache
def applied(remedy, name):
    """The changed recipe, or the reason why the model refuses the surgery."""
    recipe, case = patient(name)
    change = REMEDIES[remedy].plan(recipe, case)
    try:
        changed = change.apply(recipe)
        build_model(changed, 0)
    except SurgeryError as error:
        return str(error)
    return changed


PLANNED = list(planned())
REFUSED = {
    # data-dependent control flow: functions cannot be changed, modules can
    ("relu-activations", "data-dependent"),
    ("residual", "data-dependent"),
    ("residual", "data-dependent-modules"),
    # the only ReLU stands inside torch's own TransformerEncoderLayer
    ("leaky-activations", "transformer"),
}
WORKING = [pair for pair in PLANNED if pair not in REFUSED and pair[1] not in CANNOT_TRAIN]
TRIED = fewer(WORKING)


def snapshot(recipe):
    """Everything in a recipe that a transform might touch."""
    data = [
        tensor.clone() for tensor in tensors_of((recipe.splits.train, recipe.splits.validation))
    ]
    module = recipe.model if isinstance(recipe.model, nn.Module) else nn.Identity()
    weights = [tensor.clone() for tensor in module.state_dict().values()]
    fields = {name: getattr(recipe, name) for name in Recipe.__dataclass_fields__}
    numpy_state = np.random.get_state()[1].tolist()
    return data, weights, fields, (torch.get_rng_state(), numpy_state, random.getstate())


def same(first, second):
    for one, other in zip(first[0] + first[1], second[0] + second[1], strict=True):
        assert torch.equal(one.nan_to_num(7), other.nan_to_num(7))
    for name, value in first[2].items():
        assert value is second[2][name], name
    assert torch.equal(first[3][0], second[3][0])
    assert first[3][1:] == second[3][1:]


def signature(recipe):
    """What training by the recipe depends on, in comparable form."""
    model = build_model(recipe, 0)
    batch = batch_of(recipe)
    with ForwardRecorder(model.eval()) as recorder, seeded(0):
        model(batch[0])
    ops = [(op.name, op.activation) for op in recorder.result().ops]
    drops = [m.p for m in model.modules() if isinstance(m, nn.Dropout)]
    optimizer = build_optimizer(recipe, model)
    names = {id(p): name for name, p in model.named_parameters()}
    groups = [
        {
            k: (tuple(names.get(id(p), "foreign") for p in v) if k == "params" else v)
            for k, v in g.items()
        }
        for g in optimizer.param_groups
    ]
    state = {k: v.nan_to_num(7).tolist() for k, v in model.state_dict().items()}
    with seeded(0):
        loss = compute_loss(recipe, model, batch)[0].item() if recipe.loss else None
    rest = (recipe.schedule, recipe.clip_norm, recipe.early_stopping, recipe.penalties)
    train = recipe.splits.train
    loader = isinstance(train, DataLoader)
    shuffled = isinstance(train.sampler, RandomSampler) if loader else recipe.shuffle
    rows = len(train.dataset) if loader else len(train[0])
    trainable = [p.requires_grad for p in model.parameters()]
    return (
        ops,
        drops,
        trainable,
        type(optimizer).__name__,
        groups,
        state,
        loss,
        rest,
        rows,
        shuffled,
    )


@cache
def original(name):
    return signature(patient(name)[0])


def test_all_remedies_of_the_plan_are_there_under_their_names():
    assert set(REMEDIES) >= set(NAMES)
    assert [remedy.name for remedy in REMEDIES.members()] == list(REMEDIES)


@pytest.mark.parametrize("remedy", REMEDIES.members(), ids=lambda remedy: remedy.name)
def test_a_remedy_says_what_it_is(remedy):
    assert isinstance(remedy, Remedy)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", remedy.name)
    assert isinstance(remedy.applicability, Applicability)
    assert remedy.title[0].isupper()
    assert not remedy.title.endswith(".")
    assert len(remedy.reason) > 20
    assert re.search(r"(19|20)\d\d|arXiv|doi|https|IEEE|torch", remedy.source)
    assert type(remedy).__doc__


def test_each_remedy_has_a_patient_and_one_that_it_leaves_alone():
    offered = {remedy for remedy, _ in PLANNED}
    assert offered >= set(NAMES)
    always = ("reinitialise", "orthogonal-init", "lsuv-init", "small-output-layer")
    for remedy in set(NAMES) - set(always):
        assert any((remedy, name) not in PLANNED for name in PATIENTS), remedy


@pytest.mark.parametrize("remedy", REMEDIES.members(), ids=lambda remedy: remedy.name)
def test_nothing_is_built_for_a_plan(remedy):
    def explode(*args):
        raise AssertionError("built")

    recipe, case = patient("shared")
    plan = remedy.plan(recipe.replace(model=explode, optimizer=explode), case)
    assert isinstance(plan, Change | NotApplicable)


@pytest.mark.parametrize("remedy", REMEDIES.members(), ids=lambda remedy: remedy.name)
def test_without_facts_a_remedy_gives_a_reason_or_needs_none(remedy):
    from torchclinic.core import Case

    plan = remedy.plan(patient("shared")[0], Case())
    assert isinstance(plan, Change) or len(plan.reason) > 8


def offers(name):
    """All changes that are offered to a patient."""
    recipe, case = patient(name)
    return [REMEDIES[remedy].plan(recipe, case) for remedy, other in PLANNED if other == name]


@pytest.mark.parametrize("name", PATIENTS)
def test_the_changes_tell_their_story(name):
    for change in offers(name):
        info = change.info
        assert info.remedy in REMEDIES
        assert info.title
        assert info.reason
        assert info.source
        assert "\n" not in info.title
        assert len(info.title) < 90
        compile(info.code, info.remedy, "exec")
        assert all(len(line) <= 110 for line in info.code.split("\n"))
        assert len(info.code.split("\n")) <= 20


@pytest.mark.parametrize("name", PATIENTS)
def test_transforms_are_pure_and_draw_nothing(name):
    recipe, _ = patient(name)
    before = snapshot(recipe)
    for change in offers(name):
        try:
            changed = change.apply(recipe)
        except SurgeryError as error:
            raise AssertionError(change.info.remedy) from error
        assert changed.changes == (change.info,)
        same(before, snapshot(recipe))


@pytest.mark.parametrize(("remedy", "name"), sorted(REFUSED))
def test_surgery_that_cannot_be_made_is_refused_with_its_reason(remedy, name):
    reason = applied(remedy, name)
    assert isinstance(reason, str)
    assert re.search("control flow|no such activation", reason)


@pytest.mark.parametrize(("remedy", "name"), TRIED)
def test_no_change_is_silently_none(remedy, name):
    if REMEDIES[remedy].applicability is Applicability.DISPLAY_ONLY:
        return
    changed = applied(remedy, name)
    assert isinstance(changed, Recipe), changed
    assert signature(changed) != original(name)
    assert signature(changed) == signature(changed)


@pytest.mark.parametrize(("remedy", "name"), TRIED)
def test_the_changed_recipe_trains(remedy, name):
    changed = applied(remedy, name)
    assert isinstance(changed, Recipe), changed
    history = train(changed, 1, max_steps=1).history
    assert len(history.losses) == 1
    if name != "nan" or remedy == "drop-nonfinite-rows":
        assert torch.isfinite(torch.tensor(history.losses)).all()


@pytest.mark.parametrize(("remedy", "name"), TRIED)
def test_a_second_time_changes_nothing_more(remedy, name):
    recipe, case = patient(name)
    change = REMEDIES[remedy].plan(recipe, case)
    once = change.apply(recipe)
    again = REMEDIES[remedy].plan(once, case_of(once))
    if isinstance(again, Change):
        assert REMEDIES[remedy].repeatable
        assert signature(again.apply(once)) == signature(once)
    if remedy not in ("weaken-penalty",):
        assert signature(change.transform(once)) == signature(once)


@pytest.mark.parametrize(("remedy", "name"), TRIED)
def test_the_changed_recipe_can_be_pickled(remedy, name):
    changed = applied(remedy, name)
    twin = pickle.loads(pickle.dumps(changed))
    assert train(twin, 3, max_steps=1).history.losses == pytest.approx(
        train(changed, 3, max_steps=1).history.losses, nan_ok=True
    )


@pytest.mark.parametrize(
    ("remedy", "name"), fewer(pair for pair in WORKING if hasattr(REMEDIES[pair[0]], "edit"))
)
def test_the_changed_model_is_an_ordinary_module(remedy, name):
    changed = applied(remedy, name)
    model = build_model(changed, 0)
    inputs = batch_of(changed)[0]
    assert all(module.training for module in model.modules())
    assert not any(module.training for module in model.eval().modules())
    expected = first(model(inputs))
    other = build_model(changed, 1).eval()
    other.load_state_dict(model.state_dict())
    for twin in (other, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(first(twin(inputs)), expected)
    trainable = [p for p in model.parameters() if p.requires_grad]
    assert len({id(p) for p in trainable}) == len(trainable)


def first(output):
    return output if isinstance(output, torch.Tensor) else output[0]
