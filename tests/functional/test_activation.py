"""Activations by name: recognition over all of torch's, thresholds against their derivatives."""

import inspect

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.modules import activation as torch_activations

from torchclinic.functional import (
    ACTIVATIONS,
    activation_name,
    is_saturating,
    saturated_share,
    saturation_threshold,
    silences,
    silent_units,
)

SATURATING = [name for name in ACTIVATIONS if is_saturating(name)]
SILENCING = [name for name in ACTIVATIONS if silences(name)]


def slope(name, at):
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    ACTIVATIONS[name].function(x).sum().backward()
    return x.grad


def test_every_activation_module_of_torch_has_a_name():
    skipped = {"Module", "MultiheadAttention", "NonDynamicallyQuantizableLinear"}
    classes = [
        kind
        for _, kind in inspect.getmembers(torch_activations, inspect.isclass)
        if issubclass(kind, nn.Module) and kind.__name__ not in skipped
    ]
    assert len(classes) > 20
    assert [kind for kind in classes if activation_name(kind) is None] == []


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_module_instances_and_functions_agree(name):
    for module in ACTIVATIONS[name].modules:
        assert activation_name(module) == name
        if module is not nn.Threshold:
            assert activation_name(module()) == name
    functional = getattr(F, name, None)
    if functional is not None:
        assert activation_name(functional) == name


def test_functions_methods_and_in_place_twins():
    assert activation_name(torch.relu) == activation_name(torch.Tensor.relu_) == "relu"
    assert activation_name(torch.zeros(1).relu) == "relu"
    assert activation_name(torch.special.expit) == "sigmoid"
    assert activation_name(F.softmax) == activation_name(torch.Tensor.softmax) == "softmax"
    assert activation_name(nn.ReLU6()) == "relu6"


def test_a_subclass_is_what_it_extends():
    class Mine(nn.ReLU):
        pass

    assert activation_name(Mine()) == "relu"


def relu(x):
    return x + 1


@pytest.mark.parametrize("other", [nn.Linear, nn.Dropout(), torch.add, relu, 3, "relu", None])
def test_other_things_have_no_name(other):
    assert activation_name(other) is None


@pytest.mark.parametrize("name", SATURATING)
def test_slope_is_small_beyond_the_threshold_on_both_sides(name):
    threshold = saturation_threshold(name)
    grid = torch.linspace(-threshold + 1e-3, threshold - 1e-3, 2001).tolist()
    largest = slope(name, grid).max()
    for sign in (-1.0, 1.0):
        beyond = slope(name, [sign * threshold * f for f in (1.001, 1.5, 4.0)])
        assert (beyond <= 0.027 * largest).all()


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - set(SATURATING)))
def test_what_is_not_listed_does_not_saturate_on_both_sides(name):
    if name in {"glu", "softmax", "log_softmax", "softmin", "gumbel_softmax", "rrelu"}:
        assert saturation_threshold(name) is None
        return
    far = slope(name, [-20.0, 20.0])
    assert far.abs().max() > 0.5 or name in {"relu6"}


@pytest.mark.parametrize("name", SILENCING)
def test_silent_means_zero_output_and_zero_gradient(name):
    at = ACTIVATIONS[name].silent_at
    x = torch.tensor([at, at - 1e-3, at - 100.0], dtype=torch.float64)
    assert (ACTIVATIONS[name].function(x) == 0).all()
    assert (slope(name, (x - 1e-6).tolist()) == 0).all()
    assert ACTIVATIONS[name].function(torch.tensor([at + 1e-2])).item() != 0


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=30), st.sampled_from(SATURATING))
def test_saturated_share_counts(values, name):
    limit = torch.tensor(saturation_threshold(name), dtype=torch.float64).item()
    expected = sum(abs(v) >= limit for v in values) / len(values)
    pre = torch.tensor(values, dtype=torch.float64)
    assert saturated_share(pre, name).item() == pytest.approx(expected)


def test_saturated_share_without_saturation_or_elements():
    assert saturated_share(torch.full((3,), 100.0), "relu").item() == 0
    assert saturated_share(torch.full((3,), 100.0), None).item() == 0
    assert saturated_share(torch.zeros(0), "tanh").item() == 0


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 3), st.integers(0, 10_000))
def test_silent_units_of_a_convolution_by_brute_force(rows, units, width, seed):
    generator = torch.Generator().manual_seed(seed)
    pre = torch.randn(rows, units, width, width, generator=generator) - 0.7
    expected = [
        all(pre[r, u, i, j] <= 0 for r in range(rows) for i in range(width) for j in range(width))
        for u in range(units)
    ]
    assert silent_units(pre, "relu", 1).tolist() == expected


def test_silent_units_needs_rows_and_a_silencing_activation():
    assert silent_units(torch.zeros(0, 3), "relu").tolist() == [False] * 3
    assert silent_units(-torch.ones(4, 3), "tanh").tolist() == [False] * 3
    assert silent_units(torch.tensor([[float("nan")], [-1.0]]), "relu").tolist() == [False]


def test_a_healthy_sparse_unit_is_not_silent():
    pre = -torch.ones(512, 1)
    pre[17] = 0.1
    assert not silent_units(pre, "relu").any()
