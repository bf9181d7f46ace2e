"""Standardise, Destandardise and Residual against plain formulas."""

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler
from torch import nn

from torchclinic.core import DataError, ModelError
from torchclinic.nn import Destandardise, Residual, Standardise


def table(rows=64, columns=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scale = torch.logspace(-3, 4, columns)
    return torch.randn(rows, columns, generator=generator) * scale + 3 * scale


def test_a_table_is_standardised_as_scikit_learn_does_it():
    inputs = table()
    ours = Standardise.fit(inputs, -1, clip=None)(inputs)
    theirs = StandardScaler().fit_transform(inputs.double().numpy())
    assert torch.allclose(ours.double(), torch.from_numpy(theirs), atol=1e-4)


def test_images_get_statistics_by_channel_and_sequences_by_feature():
    images = torch.randn(10, 3, 4, 4) * torch.tensor([1.0, 10.0, 100.0]).view(3, 1, 1) + 7
    out = Standardise.fit(images, 1)(images)
    assert torch.allclose(out.mean((0, 2, 3)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(out.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5)
    sequence = torch.randn(10, 6, 2) * torch.tensor([1.0, 50.0])
    out = Standardise.fit(sequence, -1)(sequence)
    assert torch.allclose(out.std((0, 1), correction=0), torch.ones(2), atol=1e-5)


def test_one_statistic_for_all_and_for_vectors():
    vector = torch.tensor([1.0, 3.0])
    assert Standardise.fit(vector)(vector).tolist() == [-1.0, 1.0]
    layer = Standardise.fit(torch.tensor([[0.0, 4.0], [0.0, 4.0]]), None)
    assert (layer.mean.item(), layer.std.item()) == (2.0, 2.0)


@given(st.floats(-1e6, 1e6, width=32), st.integers(2, 20))
def test_a_constant_channel_is_only_centred(value, rows):
    layer = Standardise.fit(torch.full((rows, 1), value))
    assert layer(torch.full((rows, 1), value)).abs().max() <= 1.0
    assert layer.std.item() == 1.0


@settings(max_examples=30)
@given(st.floats(0.1, 1e3), st.floats(-1e3, 1e3))
def test_the_result_does_not_depend_on_the_unit(scale, shift):
    inputs = table(columns=3).double()
    plain = Standardise.fit(inputs, clip=None)(inputs.float())
    other = inputs * scale + shift
    moved = Standardise.fit(other, clip=None)(other)
    wide = inputs.std(0) * scale > 1e-3 * abs(shift)  # float32 buffers resolve no finer
    assert torch.allclose(plain.double()[:, wide], moved.double()[:, wide], atol=2e-2)


def test_elements_that_are_not_finite_are_left_out_of_the_statistics():
    inputs = torch.tensor([[1.0], [float("nan")], [3.0], [float("inf")]])
    layer = Standardise.fit(inputs)
    assert (layer.mean.item(), layer.std.item()) == (2.0, 1.0)


def test_a_rare_pixel_is_clipped():
    inputs = torch.zeros(10_000, 1)
    inputs[0] = 1.0
    assert Standardise.fit(inputs)(torch.ones(1, 1)).item() == 10.0


def test_statistics_are_saved_with_the_model_and_never_trained():
    layer = Standardise.fit(table())
    assert not list(layer.parameters())
    other = Standardise(torch.zeros(5), torch.ones(5))
    other.load_state_dict(layer.state_dict())
    x = table(seed=1)
    for twin in (other, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(twin(x), layer(x))


def test_the_layer_shares_no_memory_with_what_it_was_given():
    mean = torch.zeros(2)
    layer = Standardise(mean, torch.ones(2))
    mean += 5
    assert layer.mean.tolist() == [0.0, 0.0]


def test_bad_statistics_are_refused_with_their_value():
    with pytest.raises(DataError, match="std is 0"):
        Standardise(torch.zeros(2), torch.tensor([1.0, 0.0]))
    with pytest.raises(DataError, match="nan"):
        Standardise(float("nan"), 1.0)
    with pytest.raises(DataError, match="no finite element"):
        Standardise.fit(torch.full((3, 1), float("nan")))
    with pytest.raises(DataError, match="dimension 0"):
        Standardise.fit(torch.zeros(3, 2), 0)


def test_destandardise_is_the_inverse():
    targets = table(columns=2)
    there = Standardise.fit(targets, clip=None)
    back = Destandardise(there.mean, there.std)
    assert torch.allclose(back(there(targets)), targets, rtol=1e-4, atol=1e-4)


def test_destandardise_touches_the_prediction_only():
    hidden = torch.ones(2)
    first, second = Destandardise(10.0, 2.0)((torch.ones(2), hidden))
    assert first.tolist() == [12.0, 12.0]
    assert second is hidden
    with pytest.raises(ModelError, match="dict"):
        Destandardise(0.0, 1.0)({"x": 1})


def test_residual_adds_and_refuses_another_shape():
    block = nn.Linear(3, 3)
    x = torch.randn(4, 3)
    assert torch.equal(Residual(block)(x), x + block(x))
    with pytest.raises(ModelError, match=r"\(4, 3\) into \(4, 2\)"):
        Residual(nn.Linear(3, 2))(x)


def test_the_layers_can_be_traced():
    model = nn.Sequential(
        Standardise(torch.zeros(3), torch.ones(3)), Residual(nn.Linear(3, 3)), Destandardise(1.0, 2)
    )
    x = torch.randn(4, 3)
    assert torch.equal(torch.fx.symbolic_trace(model)(x), model(x))
