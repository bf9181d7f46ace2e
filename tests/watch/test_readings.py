"""Readings against what a plain computation gives."""

import pytest
import torch
from torch import nn

import torchclinic as tc
from torchclinic.core import UsageError
from torchclinic.watch import WatchOptions
from watch.trainings import MODELS, batches, loss_of


def watched(model, steps=8, lr=0.1, **options):
    updater = torch.optim.SGD(model.parameters(), lr=lr)
    notes = []
    with WatchOptions(**options).start(model, updater) as watch:
        for x, y in batches(steps):
            updater.zero_grad()
            before = {n: p.detach().clone() for n, p in model.named_parameters()}
            loss = loss_of(model, x, y)
            loss.backward()
            gradients = {n: p.grad.clone() for n, p in model.named_parameters()}
            updater.step()
            after = {n: p.detach().clone() for n, p in model.named_parameters()}
            notes.append((x, float(loss.detach()), before, gradients, after))
    return watch.trace, notes


@pytest.fixture(scope="module")
def both():
    torch.manual_seed(1)
    return watched(nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)), every=1)


def test_losses_rates_and_total_norms(both):
    trace, notes = both
    assert trace.steps["loss"].values == pytest.approx([n[1] for n in notes], rel=1e-5)
    assert set(trace.steps["learning_rate"].values) == {0.1}
    norms = [float(torch.stack([g.norm() for g in n[3].values()]).norm()) for n in notes]
    assert trace.steps["total_gradient_norm"].values == pytest.approx(norms, rel=1e-4)


@pytest.mark.parametrize("layer", ["0", "2"])
def test_parameters(both, layer):
    trace, notes = both
    series = trace.layer(layer)
    weight, bias = f"{layer}.weight", f"{layer}.bias"
    for i, (_, _, before, gradients, after) in enumerate(notes):
        norm = float(torch.cat([gradients[weight].flatten(), gradients[bias]]).norm())
        assert series["gradient_norm"].values[i] == pytest.approx(norm, rel=1e-4)
        change = float((after[weight] - before[weight]).norm() / before[weight].norm())
        assert series["update_ratio"].values[i] == pytest.approx(change, rel=1e-3)


def test_activations(both):
    trace, notes = both
    series = trace.layer("0")
    assert series.activation == "relu"
    for i, (x, _, before, _, _) in enumerate(notes):
        out = x @ before["0.weight"].T + before["0.bias"]
        assert series["activation_mean"].values[i] == pytest.approx(float(out.mean()), abs=1e-4)
        assert series["activation_std"].values[i] == pytest.approx(float(out.std()), rel=2e-2)
        assert series["activation_min"].values[i] == pytest.approx(float(out.min()), rel=1e-4)
        assert series["activation_max"].values[i] == pytest.approx(float(out.max()), rel=1e-4)


def test_silent_units_are_those_that_are_silent_on_512_rows():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Linear(8, 3))
    with torch.no_grad():
        model[0].bias[:2] = -100.0
    trace, _ = watched(model, steps=40, lr=1e-4, every=1)
    silent = trace.layer("0")["silent_share"]
    assert silent.last == pytest.approx(2 / 8)
    assert silent.steps[0] >= 512 // 16


def test_saturation_is_judged_by_the_activation_that_follows():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Sigmoid(), nn.Linear(8, 3))
    with torch.no_grad():
        model[0].bias[:4] = 50.0
        model[0].weight[4:] *= 0.01
    trace, _ = watched(model, steps=4, lr=1e-4, every=1)
    assert trace.layer("0")["saturated_share"].last == pytest.approx(0.5)
    assert len(trace.layer("2")["saturated_share"]) == 0


def test_non_finite_numbers_are_counted():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 3))
    with torch.no_grad():
        model[0].weight[0, 0] = float("nan")
    trace, _ = watched(model, steps=3, every=1)
    assert trace.layer("0")["nonfinite"].last > 0


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model_is_read(name):
    torch.manual_seed(0)
    trace, _ = watched(MODELS[name](), every=1)
    weighted = trace.weighted()
    assert weighted
    for layer in weighted:
        assert len(layer["gradient_norm"]) == 8, (layer.name, layer.not_applicable)
        assert len(layer["weight_norm"]) == 8


def test_globs_choose_layers():
    trace, _ = watched(MODELS["conv"](), every=1, layers="*,!2")
    assert {layer.name for layer in trace.layers} == {"1", "6"}
    with pytest.raises(UsageError, match="nothing-like-it"):
        watched(MODELS["conv"](), layers="nothing-like-it")


def test_memory_is_bounded():
    trace, _ = watched(MODELS["mlp"](), steps=300, every=1, max_readings=32)
    for layer in trace.layers:
        for series in layer.series.values():
            assert len(series) <= 32
            assert series.steps[-1] >= 290
    assert len(trace.steps["loss"]) <= 300


def test_the_budget_thins_the_readings_and_is_told():
    trace, _ = watched(MODELS["mlp"](), steps=400)
    assert 0 < trace.cost.readings < 400
    assert trace.cost.budget == 0.03
    assert any("readings" in note for note in trace.notes)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_compiled_and_scripted_modules_are_told_as_not_applicable():
    torch.manual_seed(0)
    scripted = nn.Sequential(torch.jit.script(nn.Linear(6, 8)), nn.ReLU(), nn.Linear(8, 3))
    trace, _ = watched(scripted, every=1)
    told = " ".join(trace.notes) + " ".join(
        reason for layer in trace.layers for reason in layer.not_applicable.values()
    )
    assert "script" in told.lower()
    assert len(trace.layer("2")["gradient_norm"]) == 8


def test_rules_run_on_the_trace_of_any_loop():
    torch.manual_seed(0)
    layers = []
    for _ in range(6):
        layers += [nn.Linear(6, 6), nn.Sigmoid()]
    trace, _ = watched(nn.Sequential(*layers, nn.Linear(6, 3)), steps=300, lr=1e-3, every=4)
    diagnosis = tc.diagnose(trace)
    assert diagnosis.root is not None
    assert diagnosis.root.code == "GRD101"
