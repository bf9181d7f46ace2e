"""Every form of batch, inputs and outputs reaches model and loss."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from torchclinic.core import DataError, ModelError
from torchclinic.training import Arguments, compute_loss, evaluate, forward, split_batch, train
from training.parts import recipe, rows

X, Y = rows(40)


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 3)

    def forward(self, left, right, scale=1.0):
        return self.layer(left) + scale * self.layer(right)


class OneDict(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 3)

    def forward(self, batch):
        return self.layer(batch["a"] + batch["b"])


class Anything(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 3)

    def forward(self, **named):
        return self.layer(sum(named.values()))


class Pair(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.layer = nn.Linear(5, 3)
        self.kind = kind

    def forward(self, x):
        scores = self.layer(x)
        if self.kind == "tuple":
            return scores, x
        return {"hidden": x, "logits": scores} if self.kind == "logits" else {"scores": scores}


@pytest.mark.parametrize(
    ("batch", "inputs", "targets"),
    [
        ((1, 2), 1, 2),
        ([1, 2], 1, 2),
        ((1, 2, 3, 4), Arguments((1, 2, 3)), 4),
        ((1,), 1, None),
        (((1, 2), 3), (1, 2), 3),
        ({"x": 1, "label": 2}, {"x": 1}, 2),
        ({"x": 1, "labels": 2}, {"x": 1}, 2),
        ({"x": 1, "target": 2}, {"x": 1}, 2),
        ({"x": 1, "targets": 2}, {"x": 1}, 2),
        ({"x": 1, "y": 2}, {"x": 1}, 2),
        ({"x": 1}, {"x": 1}, None),
        (5, 5, None),
    ],
)
def test_split(batch, inputs, targets):
    found = split_batch(batch)
    assert found == (inputs, targets)
    assert type(found[0]) is type(inputs)


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (Two, (X, X, Y)),
        (Two, ((X, X), Y)),
        (Two, {"left": X, "right": X, "y": Y}),
        (OneDict, {"a": X, "b": X, "label": Y}),
        (Anything, {"a": X, "b": X, "targets": Y}),
    ],
)
def test_all_of_them_train_alike(model, data):
    """Each of these models computes the same function of the same layer: 2 W x + c."""
    run = train(recipe(model=model, data=data))
    assert len(run.history.losses) == 9
    assert run.history.losses[-1] < run.history.losses[0]
    assert evaluate(recipe(model=model, data=data), model(), [data]).loss > 0


def test_positional_and_keyword_inputs_agree():
    net = Two()
    by_position = forward(net, Arguments((X, 2 * X)))
    assert torch.equal(forward(net, {"left": X, "right": 2 * X}), by_position)
    assert torch.equal(forward(net, (X, 2 * X)), by_position)
    assert torch.equal(forward(net, Arguments((X, 2 * X, 0.0))), net.layer(X))


def test_a_nested_pair_stays_one_argument_where_the_forward_takes_one():
    class Sum(nn.Module):
        def forward(self, pair, flag=None):
            assert flag is None
            return pair[0] + pair[1]

    assert torch.equal(forward(Sum(), (X, X)), 2 * X)


@pytest.mark.parametrize("kind", ["tuple", "logits", "scores"])
def test_a_torch_loss_gets_the_first_tensor(kind):
    net = Pair(kind)
    loss, outputs = compute_loss(recipe(), net, (X, Y))
    assert torch.equal(loss, F.cross_entropy(net.layer(X), Y))
    assert isinstance(outputs, tuple | dict)
    score = evaluate(recipe(metric="accuracy"), net, [(X, Y)])
    assert score.metric == int((net.layer(X).argmax(1) == Y).sum()) / 40


def test_a_loss_of_ones_own_gets_outputs_and_targets_as_they_are():
    seen = {}

    def loss(outputs, targets):
        seen.update(outputs=outputs, targets=targets)
        return F.cross_entropy(outputs[0], targets["class"]) + outputs[1].mean() * 0

    value, _ = compute_loss(recipe(loss=loss), Pair("tuple"), (X, {"class": Y}))
    assert seen["targets"]["class"] is Y
    assert type(seen["outputs"]) is tuple
    assert value.dim() == 0


def test_data_of_every_kind_gives_the_same_training_in_order():
    dataset = TensorDataset(X, Y)
    batches = [(X[i : i + 16], Y[i : i + 16]) for i in range(0, 40, 16)]
    sources = [
        (X, Y),
        (X.numpy(), Y.numpy()),
        dataset,
        DataLoader(dataset, batch_size=16),
        batches,
        (batch for batch in batches),
    ]
    runs = [train(recipe(data=source, shuffle=False), 1) for source in sources]
    assert all(run.history.losses == runs[0].history.losses for run in runs)
    assert {run.history.planned_steps for run in runs} == {9}


def test_a_stream_without_a_length():
    class Stream:
        def __iter__(self):
            return iter([(X, Y), (X, Y)])

    run = train(recipe(data=Stream(), epochs=2))
    assert len(run.history.losses) == 4
    assert (run.history.planned_steps, run.history.steps_per_epoch) == (None, None)
    assert len(train(recipe(data=Stream(), steps=5)).history.losses) == 5


def test_a_batch_without_targets_needs_a_step():
    with pytest.raises(DataError, match=r"no targets.*step\(model, batch\)"):
        train(recipe(data=(X,)))
    auto = recipe(data=(X,), loss=None, step=lambda m, b: m(b[0]).square().mean())
    assert train(auto).history.losses


def test_a_dict_that_fits_no_argument_says_so():
    with pytest.raises(ModelError, match="arguments called image"):
        train(recipe(data={"image": X, "label": Y}))


def test_lazy_modules_are_built_in_the_first_step():
    made = recipe(
        model=lambda: nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(3)), clip_norm=1.0
    )
    one, two = train(made, 1), train(made, 1)
    assert one.history.losses == two.history.losses
