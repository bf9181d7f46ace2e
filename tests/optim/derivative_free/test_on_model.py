"""A population of models in one forward pass against a loop over them."""

import pytest
import torch
from torch import nn

from torchclinic.core import ModelError, UsageError
from torchclinic.optim.derivative_free import (
    METHODS,
    flat_parameters,
    load_flat,
    minimise,
    population_loss,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def net():
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))


def rows(n=20):
    x = torch.randn(n, 3, generator=generator(1))
    return x, (x[:, 0] > 0).long()


@pytest.mark.parametrize("chunk_size", [None, 1, 3])
def test_a_population_is_the_loop_over_its_models(chunk_size):
    model, (x, y) = net(), rows()
    vectors = torch.randn(7, flat_parameters(model).numel(), generator=generator())
    before = flat_parameters(model)
    values = population_loss(model, nn.functional.cross_entropy, x, y, chunk_size=chunk_size)(
        vectors
    )
    assert torch.equal(flat_parameters(model), before)
    assert not values.requires_grad
    looped = []
    for vector in vectors:
        load_flat(model, vector)
        assert torch.equal(flat_parameters(model), vector)
        looped.append(nn.functional.cross_entropy(model(x), y).item())
    assert values.tolist() == pytest.approx(looped, rel=1e-5)


def test_frozen_parameters_keep_their_values():
    model, (x, y) = net(), rows()
    model[0].requires_grad_(False)
    frozen = model[0].weight.clone()
    assert flat_parameters(model).numel() == 12
    load_flat(model, torch.ones(12))
    assert torch.equal(model[0].weight, frozen)
    values = population_loss(model, nn.functional.cross_entropy, x, y)(torch.ones(1, 12))
    assert values.item() == pytest.approx(nn.functional.cross_entropy(model(x), y).item())


@pytest.mark.parametrize("training", [True, False])
def test_a_batch_norm_works_in_both_modes_and_keeps_its_buffers(training):
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    x, y = rows()
    model.train(training)
    vectors = torch.randn(3, flat_parameters(model).numel(), generator=generator())
    buffers = [b.clone() for b in model.buffers()]
    values = population_loss(model, nn.functional.cross_entropy, x, y)(vectors)
    assert all(map(torch.equal, model.buffers(), buffers))
    for vector, value in zip(vectors, values, strict=True):
        load_flat(model, vector)
        alone = nn.functional.cross_entropy(model(x), y)
        assert value.item() == pytest.approx(alone.item(), rel=1e-5)


def test_a_dropout_draws_one_mask_for_all():
    model = nn.Sequential(nn.Linear(3, 50), nn.Dropout(0.5), nn.Linear(50, 2))
    x, y = rows()
    state = torch.get_rng_state()
    vectors = flat_parameters(model).repeat(4, 1)
    values = population_loss(model, nn.functional.cross_entropy, x, y)(vectors)
    torch.set_rng_state(state)
    assert torch.allclose(values, values[0].expand(4))


def test_a_model_that_looks_at_its_values_cannot_be_batched_and_says_so():
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, x):
            return self.layer(x) if self.layer.bias.sum() > 0 else -self.layer(x)

    model, (x, y) = Branching(), rows()
    with pytest.raises(ModelError, match=r"batch of models.*one vector at a time"):
        population_loss(model, nn.functional.cross_entropy, x, y)(torch.zeros(2, 8))


@pytest.mark.parametrize("name", METHODS)
def test_every_method_lowers_the_loss_of_a_net(name):
    torch_state = torch.get_rng_state()
    model, (x, y) = net(), rows()
    with torch.no_grad():
        start = torch.randn(flat_parameters(model).numel(), generator=generator(5))
    loss = population_loss(model, nn.functional.cross_entropy, x, y)
    found = minimise(name, loss, start, budget=400, scale=0.5)
    assert found.value < 0.8 * loss(start[None]).item()
    load_flat(model, found.point)
    assert nn.functional.cross_entropy(model(x), y).item() == pytest.approx(found.value, rel=1e-4)
    torch.set_rng_state(torch_state)


def test_what_makes_no_sense_is_refused():
    model, (x, y) = net(), rows()
    with pytest.raises(UsageError, match="31 numbers, the model 32"):
        load_flat(model, torch.zeros(31))
    with pytest.raises(UsageError, match="31 numbers, the model 32"):
        population_loss(model, nn.functional.cross_entropy, x, y)(torch.zeros(2, 31))
    model.requires_grad_(False)
    with pytest.raises(ModelError, match="no trainable parameter"):
        flat_parameters(model)
    with pytest.raises(ModelError, match="no trainable parameter"):
        population_loss(nn.ReLU(), nn.functional.mse_loss, x, x)
