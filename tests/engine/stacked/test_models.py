"""Layers, normalisations, dropout, losses: the stacked step against the model's own."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, Adam

from engine.stacked.parts import CLASSES, STEPS, assert_same, net, numbers, recipe
from torchclinic.core import Splits
from torchclinic.engine.stacked import choosing, plan_stacks, why_not_stacked
from torchclinic.engine.stacked.mlp.elementwise import MODULES


def kind(made):
    (group,) = plan_stacks({"a": made}, [0]).groups
    return group.kind


@pytest.mark.parametrize("activation", MODULES, ids=lambda module: module.__name__)
def test_activations(activation):
    made = recipe(model=net(activation), steps=50)
    assert kind(made) == "perceptron"
    assert_same({"a": made})


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (partial(nn.LeakyReLU, 0.2), "perceptron"),
        (partial(nn.ELU, 0.5), "perceptron"),
        (partial(nn.CELU, 0.5), "perceptron"),
        (partial(nn.GELU, "tanh"), "perceptron"),
        (partial(nn.Softplus, 2.0, 5.0), "perceptron"),
        (partial(nn.Hardtanh, -0.5, 0.8), "perceptron"),
        (partial(nn.ReLU, inplace=True), "perceptron"),
        (nn.Identity, "perceptron"),
        (nn.LogSigmoid, "mapped"),
        (nn.PReLU, "mapped"),
        (partial(nn.Softmax, -1), "mapped"),
    ],
    ids=str,
)
def test_activations_with_options(layer, expected):
    made = recipe(model=net(layer), steps=50)
    assert kind(made) == expected
    assert_same({"a": made})


NORMS = {
    "batch": (partial(nn.BatchNorm1d, 16), "perceptron"),
    "batch, momentum": (partial(nn.BatchNorm1d, 16, momentum=0.3), "perceptron"),
    "batch, average": (partial(nn.BatchNorm1d, 16, momentum=None), "perceptron"),
    "batch, no affine": (partial(nn.BatchNorm1d, 16, affine=False), "perceptron"),
    "batch, no statistics": (
        partial(nn.BatchNorm1d, 16, track_running_stats=False),
        "perceptron",
    ),
    "layer": (partial(nn.LayerNorm, 16), "perceptron"),
    "layer, no affine": (partial(nn.LayerNorm, 16, elementwise_affine=False), "perceptron"),
    "layer, no bias": (partial(nn.LayerNorm, 16, bias=False), "perceptron"),
    "group": (partial(nn.GroupNorm, 4, 16), "mapped"),
    "rms": (partial(nn.RMSNorm, 16), "mapped"),
}


@pytest.mark.usefixtures("computed_by")
@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("optimizer", [partial(SGD, lr=0.1), Adam], ids=["sgd", "adam"])
def test_normalisations(name, optimizer):
    layer, expected = NORMS[name]
    steps = 60 if optimizer is Adam else STEPS
    made = recipe(model=net(layer, nn.ReLU), optimizer=optimizer, steps=steps)
    assert kind(made) == expected
    assert_same({"a": made})


def test_running_statistics_are_the_members_own():
    # the first batches of two seeds differ, and so do the evaluations that use the statistics
    made = recipe(model=net(partial(nn.BatchNorm1d, 16), nn.Tanh), steps=30)
    found = assert_same({"a": made}, seeds=range(3))
    losses = [run.run.history.evaluations[-1].loss for run in found["a"]]
    assert len(set(losses)) == 3


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.9, 1.0])
def test_dropout_draws_what_a_run_alone_draws(rate):
    made = recipe(model=net(nn.Tanh, partial(nn.Dropout, rate)), steps=60)
    assert kind(made) == "perceptron"
    assert_same({"a": made})


def test_dropout_rates_may_differ_in_one_stack():
    arms = {
        str(rate): recipe(model=net(nn.Tanh, partial(nn.Dropout, rate))) for rate in (0.0, 0.2, 0.5)
    }
    assert len(plan_stacks(arms, [0]).groups) == 1
    assert_same(arms)


class Branched(nn.Module):
    """Not a chain: it goes through vmap."""

    def __init__(self, rate=0.3):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 4)
        self.norm = nn.BatchNorm1d(16)
        self.drop = nn.Dropout(rate)
        self.double()

    def forward(self, x):
        h = F.relu(self.a(x))
        h = h + self.drop(torch.tanh(self.norm(self.b(h))))
        return self.c(F.dropout(h, 0.1, training=self.training))


def test_any_module_is_mapped_with_its_dropout_and_its_statistics():
    arms = {str(rate): recipe(model=partial(Branched, rate), steps=60) for rate in (0.1, 0.4)}
    (group,) = plan_stacks(arms, [0]).groups
    assert group.kind == "mapped"
    assert_same(arms)


class Written(nn.Module):
    """A chain that is written out."""

    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(6, 16), nn.Linear(16, 4)
        self.double()

    def forward(self, x):
        x = x.view(x.size(0), -1)
        return self.out(torch.relu(self.hidden(x)))


def test_a_chain_is_found_in_written_code():
    assert kind(recipe(model=Written)) == "perceptron"
    assert_same({"a": recipe(model=Written, steps=60)})


def test_shapes_are_flattened():
    x, y = CLASSES.train
    made = recipe(
        model=lambda: nn.Sequential(
            nn.Flatten(), nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4)
        ).double(),
        data=(x.reshape(-1, 1, 2, 3), y),
        steps=60,
    )
    assert kind(made) == "perceptron"
    assert_same({"a": made})


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 6)
        self.b.weight = self.a.weight
        self.out = nn.Linear(6, 4)
        self.double()

    def forward(self, x):
        return self.out(torch.tanh(self.b(torch.tanh(self.a(x)))))


def test_tied_weights_stay_tied():
    assert_same({"a": recipe(model=Tied, steps=60)})


LOSSES = {
    "mse": (nn.MSELoss(), numbers(outputs=4)),
    "bce": (nn.BCEWithLogitsLoss(), numbers(outputs=4)),
    "l1": (nn.L1Loss(), numbers(outputs=4)),
    "huber": (nn.HuberLoss(delta=0.3), numbers(outputs=4)),
    "mse, sum": (nn.MSELoss(reduction="sum"), numbers(outputs=4)),
    "mse, function": (F.mse_loss, numbers(outputs=4)),
    "smoothed": (partial(F.cross_entropy, label_smoothing=0.1), CLASSES),
    "cross-entropy": (F.cross_entropy, CLASSES),
    "weighted": (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2, 3, 4]).double()), CLASSES),
    "own": (lambda z, y: (z.logsumexp(1) - z.gather(1, y[:, None])[:, 0]).mean(), CLASSES),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    loss, data = LOSSES[name]
    optimizer = partial(SGD, lr=1e-3)
    assert_same({"a": recipe(loss=loss, data=data, metric=None, optimizer=optimizer, steps=60)})


@pytest.mark.filterwarnings("default:There is a performance drop")
def test_a_loss_without_batching_rule_runs_alone():
    why = why_not_stacked(recipe(loss=nn.MultiMarginLoss()))
    assert why is not None
    assert "There is a performance drop" in why
    assert_same({"a": recipe(loss=nn.MultiMarginLoss(), steps=20)}, tolerance=0.0, stacked=False)


@pytest.mark.parametrize("layer", [nn.Tanh, nn.LogSigmoid])
def test_label_smoothing_may_differ_in_one_stack(layer):
    arms = {
        str(amount): recipe(
            model=net(layer), loss=nn.CrossEntropyLoss(label_smoothing=amount), steps=60
        )
        for amount in (0.0, 0.1, 0.5)
    }
    assert len(plan_stacks(arms, [0]).groups) == 1
    assert_same(arms)


def test_ignored_labels_are_left_out():
    x, y = CLASSES.train
    holes = y.clone()
    holes[::5] = -100
    assert_same({"a": recipe(data=(x, holes), steps=60)})


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(6, 4).double()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return self.out(x) * min(1.0, self.calls / 50)


class Choosing(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(6, 4).double()

    def forward(self, x):
        z = self.out(x)
        return z if float(z.mean().detach()) > 0 else 2 * z


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.out, self.spare = nn.Linear(6, 4).double(), nn.Linear(6, 4).double()

    def forward(self, x):
        return self.out(x)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.out = nn.LSTM(6, 8, batch_first=True), nn.Linear(8, 4)
        self.double()

    def forward(self, x):
        return self.out(self.inner(x[:, None])[0][:, 0])


def convolutional():
    return nn.Sequential(
        nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 2, 3), nn.Flatten(), nn.Linear(8, 4)
    ).double()


def hooked():
    model = net(nn.Tanh)()
    model[0].register_forward_hook(lambda *_: None)
    return model


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (Counting, "its model keeps something from step to step besides its buffers"),
        (Choosing, "torch.func cannot map it"),
        (Unused, "its parameter 'spare.weight' has no part in the loss"),
        (Recurrent, "layer 'inner' (LSTM) has no batching rule"),
        (convolutional, "its convolution '1' would be slower stacked on a CPU"),
        (hooked, "layer '0' (Linear) has hooks"),
        (net(partial(nn.AlphaDropout, 0.2)), "torch.func cannot map it"),
        (net(partial(nn.RReLU)), "torch.func cannot map it"),
    ],
    ids=(
        *("counting", "choosing", "unused", "recurrent"),
        *("convolutional", "hooked", "alpha dropout", "rrelu"),
    ),
)
def test_what_cannot_be_stacked_runs_alone_and_says_why(model, why):
    made = recipe(model=model, steps=12)
    assert (why_not_stacked(made) or "").startswith(why)
    found = assert_same({"a": made}, tolerance=0.0, stacked=False)
    assert all(run.note.startswith(f"not stacked: {why}") for run in found["a"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"accumulate": 2}, "it accumulates the gradients of 2 batches"),
        ({"autocast": "bfloat16"}, "it runs under autocast to bfloat16"),
        ({"loss": None, "step": lambda m, b: m(b[0]).mean()}, "it has a step of its own"),
        ({"max_norm": 1.0}, "it sets max_norm"),
        ({"data": [CLASSES.train]}, "its data, a list, is no pair of tensors in memory"),
        ({"data": Splits(train={"x": CLASSES.train[0]})}, "its data is no pair of tensors"),
    ],
    ids=["accumulate", "autocast", "step", "max_norm", "list", "dict"],
)
def test_recipes_that_cannot_be_stacked(changes, why):
    assert (why_not_stacked(recipe(**changes)) or "").startswith(why)


class Shortcut(nn.Module):
    """A residual net with numbers and buffers on the way."""

    def __init__(self, rate=0.2):
        super().__init__()
        self.register_buffer("mean", torch.arange(6.0).double() / 10)
        self.register_buffer("scale", torch.tensor(1.5).double())
        self.enter, self.a, self.b = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 16)
        self.norm, self.drop, self.out = nn.LayerNorm(16), nn.Dropout(rate), nn.Linear(16, 4)
        self.double()

    def forward(self, x):
        x = ((x - self.mean) / self.scale).clamp(-2, 2)
        h = self.enter(x)
        h = h + self.drop(self.b(torch.relu(self.a(self.norm(h))))) * 0.5
        h = h + torch.tanh(h)
        return self.out(h + h)


@pytest.mark.usefixtures("computed_by")
def test_shortcuts_and_arithmetic():
    arms = {str(rate): recipe(model=partial(Shortcut, rate), steps=60) for rate in (0.0, 0.3)}
    assert kind(arms["0.3"]) == "perceptron"
    assert_same(arms)
    adam = {name: made.replace(optimizer=Adam) for name, made in arms.items()}
    assert_same(adam)


def test_the_packages_own_nets_are_perceptrons():
    from torchclinic.nn import Residual, Standardise
    from torchclinic.nn.nets import MLP, ResidualMLP

    x = CLASSES.train[0]
    for make in (
        lambda: MLP(6, 2, 16, 4, norm="batch", dropout=0.2),
        lambda: MLP(6, 2, 16, 4, norm="layer", activation="gelu"),
        lambda: ResidualMLP(6, 2, 16, 4, norm="layer"),
        lambda: nn.Sequential(
            Standardise.fit(x), nn.Linear(6, 8), Residual(nn.Linear(8, 8)), nn.Linear(8, 4)
        ),
    ):
        made = recipe(model=lambda make=make: make().double(), steps=60)
        assert kind(made) == "perceptron"
        assert_same({"a": made})


def test_few_members_are_not_mapped(monkeypatch):
    monkeypatch.setattr(choosing, "MAPPED_FROM", 12)
    arms = {"a": recipe(model=net(nn.LogSigmoid), steps=10)}
    why = "mapped over 3 members it would be slower here than alone"
    assert plan_stacks(arms, range(3)).alone == {"a": why}
    assert len(plan_stacks(arms, range(12)).groups) == 1
    assert why_not_stacked(arms["a"]) is None
