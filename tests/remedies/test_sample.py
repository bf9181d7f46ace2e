"""The small look at the data: every kind of it, without leaving a trace."""

import random
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from remedies.patients import VECTORS, classes, recipe, relu_mlp
from torchclinic.core import Recipe, SurgeryError
from torchclinic.remedies._rows import some_rows, statistics_rows
from torchclinic.remedies._sample import Arguments, Sample, call, sample_of, split

INPUTS, TARGETS = torch.arange(600.0).reshape(200, 3), torch.arange(200) % 4


class Rows(Dataset):
    """Draws from every global generator for each row."""

    def __len__(self):
        return 200

    def __getitem__(self, row):
        noise = torch.rand(()) * 0 + np.random.rand() * 0 + random.random() * 0
        return INPUTS[row] + noise, TARGETS[row]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(zip(INPUTS, TARGETS, strict=True))


def loader(**options):
    return DataLoader(TensorDataset(INPUTS, TARGETS), batch_size=32, **options)


SOURCES = {
    "tensors": lambda: (INPUTS, TARGETS),
    "arrays": lambda: (INPUTS.numpy(), TARGETS.numpy()),
    "dict": lambda: {"x": INPUTS, "y": TARGETS},
    "TensorDataset": lambda: TensorDataset(INPUTS, TARGETS),
    "Dataset": Rows,
    "DataLoader": loader,
    "shuffled": partial(loader, shuffle=True),
    "stream": Stream,
    "loader of a stream": lambda: DataLoader(Stream(), batch_size=16),
    "list of batches": lambda: [(INPUTS[:50], TARGETS[:50]), (INPUTS[50:], TARGETS[50:])],
}


@pytest.mark.parametrize("name", SOURCES)
def test_rows_of_every_kind_of_data_and_no_trace_left(name):
    torch.manual_seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    batch = some_rows(SOURCES[name](), 16)
    inputs, targets = split(batch)
    if isinstance(inputs, dict):
        inputs = inputs["x"]
    if name != "stream":  # its batches are single rows
        assert inputs.shape == (16, 3)
        assert torch.equal(TARGETS[inputs[:, 0].long() // 3], torch.as_tensor(targets))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before[1:]


def test_rows_are_spread_over_the_data_and_shared_with_nobody():
    inputs, _ = some_rows((INPUTS, TARGETS), 3)
    assert inputs[:, 0].tolist() == [0.0, 300.0, 597.0]
    inputs += 1
    assert INPUTS[0, 0] == 0


def test_a_one_shot_iterator_is_not_used_up():
    stream = iter([(INPUTS, TARGETS)])
    assert some_rows(stream, 4) is None
    assert len(list(stream)) == 1
    made = recipe(relu_mlp, VECTORS).replace(data=iter([(VECTORS, classes(VECTORS))]))
    assert sample_of(made) is None


def test_rows_that_are_not_finite_are_left_out_unless_all_are():
    inputs = INPUTS.clone()
    inputs[::2] = torch.nan
    found, targets = some_rows((inputs, TARGETS), 200)
    assert found.isfinite().all()
    assert len(found) == len(targets) == 100
    assert len(some_rows((inputs * torch.nan, TARGETS), 8)[0]) == 8


def test_of_large_rows_fewer_are_taken():
    wide = torch.zeros(10, 2**20)
    assert len(some_rows((wide, torch.zeros(10)), 64)[0]) == 4


def test_statistics_go_over_all_rows_in_memory():
    assert statistics_rows((INPUTS, TARGETS))[0].shape == (200, 3)
    assert statistics_rows(TensorDataset(INPUTS, TARGETS))[0].shape == (200, 3)
    assert statistics_rows(loader())[0].shape == (200, 3)
    assert statistics_rows(SOURCES["list of batches"]())[0].shape == (50, 3)


@pytest.mark.parametrize(
    ("batch", "expected"),
    [((1, 2), (1, 2)), ([1, 2], (1, 2)), ({"a": 1, "label": 2}, ({"a": 1}, 2)), (7, (7, None))],
)
def test_inputs_and_targets_as_in_training(batch, expected):
    from torchclinic.training import split_batch

    assert split(batch) == expected == split_batch(batch)


class Two(nn.Module):
    def forward(self, a, b):
        return a - b


class One(nn.Module):
    def forward(self, x):
        return x["a"] if isinstance(x, dict) else x[0]


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (Two(), Arguments((3, 1))),
        (Two(), (3, 1)),
        (Two(), {"a": 3, "b": 1}),
        (One(), {"a": 2, "b": 1}),
        (One(), (2, 9)),
    ],
)
def test_models_are_called_as_in_training(model, inputs):
    assert call(model, inputs) == 2


def test_a_custom_step_runs_the_model_as_it_likes():
    model = relu_mlp()
    sample = Sample((VECTORS, classes(VECTORS)), lambda m, batch: m(batch[0] * 2).sum())
    torch.testing.assert_close(sample.run(model), model(VECTORS * 2).sum())


def test_a_model_that_does_not_run_is_told_with_its_reason():
    with pytest.raises(SurgeryError, match="raised RuntimeError: mat1 and mat2"):
        Sample((torch.zeros(2, 5), None)).run(relu_mlp())


@pytest.mark.parametrize("name", ["Dataset", "DataLoader", "list of batches", "dict"])
def test_surgery_works_on_a_recipe_with_such_data(name):
    from torchclinic.remedies import REMEDIES
    from torchclinic.training import build_model

    model = partial(Named if name == "dict" else nn.Sequential, *parts())
    made = Recipe(
        model=model,
        data=SOURCES[name](),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(torch.optim.SGD, lr=0.1),
        steps=1,
    )
    from remedies.patients import case_of

    change = REMEDIES["relu-activations"].plan(made, case_of(made))
    assert "ReLU()" in repr(build_model(change.apply(made), 0))


class Named(nn.Sequential):
    def forward(self, x):
        return super().forward(x)


def parts():
    return nn.Linear(3, 8), nn.Sigmoid(), nn.Linear(8, 4)
