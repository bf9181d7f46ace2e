"""A range test on somebody's own loop leaves every bit of it as it was."""

import math
import random
import runpy
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

from study.lr_recipes import classes, classifier, known, relu_net
from torchclinic.core import DataError, LossError, ModelError, UsageError
from torchclinic.study.lr_range import TrainingLoop, lr_range_test
from torchclinic.study.lr_range.loop_sweep import sweep_loop
from torchclinic.study.lr_range.snapshot import Snapshot
from torchclinic.study.lr_range.sweep import sweep

X, Y = classes(320)


class Counting(nn.Module):
    """Counts its calls in a buffer that no state dict holds."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()), persistent=False)

    def forward(self, x):
        self.calls += 1
        return x


def rich_net():
    net = nn.Sequential(
        nn.Linear(20, 16),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Dropout(0.2),
        Counting(),
        nn.Linear(16, 16),
        nn.BatchNorm1d(16),
        nn.Linear(16, 10),
    )
    net[5].requires_grad_(False)
    net[6].eval()  # frozen statistics
    return net


OPTIMIZERS = {
    "sgd": partial(SGD, lr=0.1),
    "momentum": partial(SGD, lr=0.1, momentum=0.9),
    "adam": partial(Adam, lr=1e-3, amsgrad=True),
    "tensor rate": lambda p: Adam(p, lr=torch.tensor(1e-3), capturable=False, foreach=False),
    "rmsprop": partial(torch.optim.RMSprop, lr=1e-3, centered=True, momentum=0.5),
    "lbfgs": partial(torch.optim.LBFGS, lr=0.1, max_iter=2, history_size=3),
}


class Scene:
    """A training in the middle: some steps made, gradients left over, a scheduler attached."""

    def __init__(self, optimizer="sgd", steps=3, loader=None):
        torch.manual_seed(0)
        self.net = rich_net()
        own = [p for p in self.net.parameters() if p.requires_grad]
        self.optimizer = OPTIMIZERS[optimizer](own)
        self.scheduler = StepLR(self.optimizer, 2)
        self.generator = torch.Generator().manual_seed(3)
        self.loader = loader or DataLoader(
            TensorDataset(X, Y), 32, shuffle=True, generator=self.generator
        )
        for _ in range(steps):
            self.advance()

    def advance(self):
        batch = next(iter(self.loader))

        def closure():
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
            loss.backward()
            return loss

        return float(self.optimizer.step(closure).detach())

    def everything(self):
        """All that must not change: values, and which tensors hold them."""
        found = {}
        for name, tensor in (*self.net.named_parameters(), *self.net.named_buffers()):
            found[name] = tensor.detach().clone(), id(tensor), tensor.requires_grad
            grad = tensor.grad
            found[f"{name} grad"] = None if grad is None else (grad.clone(), id(grad))
        found["modes"] = [module.training for module in self.net.modules()]
        for i, state in enumerate(self.optimizer.state.values()):
            for key, value in state.items():
                kept = value.clone() if isinstance(value, torch.Tensor) else repr(value)
                found[f"state {i} {key}"] = kept
        found["groups"] = [
            {k: v for k, v in g.items() if k != "params"} for g in self.optimizer.param_groups
        ]
        found["rates"] = [float(g["lr"]) for g in self.optimizer.param_groups]
        found["schedule"] = self.scheduler.state_dict()
        found["marks"] = vars(self.optimizer).get("_opt_called")
        found["generator"] = self.generator.get_state()
        found["rng"] = torch.get_rng_state(), repr(np.random.get_state()), random.getstate()
        return found


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def dict_loader():
    return [{"inputs": X[i : i + 40], "answer": Y[i : i + 40]} for i in range(0, 320, 40)]


def loop_of(scene, kind):
    if kind == "loss":
        return TrainingLoop(scene.net, scene.optimizer, scene.loader, loss=nn.CrossEntropyLoss())
    if kind == "step":
        step = lambda b: nn.functional.cross_entropy(scene.net(b[0]), b[1])  # noqa: E731
        return TrainingLoop(scene.net, scene.optimizer, scene.loader, step=step)
    if kind == "accumulate":
        return TrainingLoop(
            scene.net, scene.optimizer, scene.loader, loss=nn.CrossEntropyLoss(), accumulate=3
        )
    if kind == "clip":
        clip = lambda: nn.utils.clip_grad_norm_(scene.net.parameters(), 1.0)  # noqa: E731
        return TrainingLoop(
            scene.net, scene.optimizer, scene.loader, loss=nn.CrossEntropyLoss(), before_step=clip
        )
    if kind == "dict":
        step = lambda b: nn.functional.cross_entropy(scene.net(b["inputs"]), b["answer"])  # noqa: E731
        return TrainingLoop(scene.net, scene.optimizer, dict_loader(), step=step)
    return TrainingLoop(scene.net, scene.optimizer, (X, Y), loss=nn.CrossEntropyLoss())


@pytest.mark.parametrize("kind", ["loss", "step", "accumulate", "clip", "dict", "tensors"])
@pytest.mark.parametrize("method", ["ramp", "fresh"])
def test_every_kind_of_loop_is_left_bitwise_unchanged(kind, method):
    scene = Scene("momentum")
    before = scene.everything()
    found = lr_range_test(
        loop_of(scene, kind), method=method, seeds=2, steps=30 if method == "ramp" else 8
    )
    assert len(found.learning_rates) > 1
    assert same(before, scene.everything())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("steps", [0, 3])
def test_every_optimizer_is_left_bitwise_unchanged(optimizer, steps):
    scene = Scene(optimizer, steps)
    before = scene.everything()
    lr_range_test(loop_of(scene, "loss"), seeds=1, steps=25)
    assert same(before, scene.everything())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_training_goes_on_as_if_nothing_had_been(optimizer):
    tested, plain = Scene(optimizer), Scene(optimizer)
    torch.manual_seed(5)
    expected = [plain.advance() for _ in range(4)]
    torch.manual_seed(5)
    lr_range_test(loop_of(tested, "loss"), seeds=1, steps=25)
    assert [tested.advance() for _ in range(4)] == expected


def test_an_error_in_the_middle_leaves_no_trace_either():
    scene = Scene("adam")
    before = scene.everything()
    calls = []

    def step(batch):
        calls.append(1)
        if len(calls) == 12:
            raise ValueError("a broken row")
        return nn.functional.cross_entropy(scene.net(batch[0]), batch[1])

    loop = TrainingLoop(scene.net, scene.optimizer, scene.loader, step=step)
    with pytest.raises((LossError, ModelError), match="a broken row"):
        lr_range_test(loop)
    assert same(before, scene.everything())


def test_a_loop_in_evaluation_mode_is_trained_and_put_back():
    scene = Scene()
    scene.net.eval()
    seen = []
    scene.net[3].register_forward_hook(lambda m, *_: seen.append(m.training))
    lr_range_test(loop_of(scene, "loss"), seeds=1, steps=20)
    assert set(seen) == {True}
    assert not scene.net.training


def test_a_frozen_layer_stays_frozen_while_it_is_tested():
    scene = Scene()
    seen = []
    scene.net[6].register_forward_hook(lambda m, *_: seen.append(m.training))
    lr_range_test(loop_of(scene, "loss"), seeds=1, steps=20)
    assert set(seen) == {False}


def test_a_loop_finds_what_its_recipe_finds():
    """The same model, data and batches: the ramp is the recipe's, bit for bit."""
    net = relu_net()
    recipe = classifier(model=net)
    loop = TrainingLoop(net, SGD(net.parameters(), lr=0.1), classes(), loss=nn.CrossEntropyLoss())
    rates = np.geomspace(1e-4, 1.0, 30).tolist()
    one, other = sweep(recipe, 3, rates), sweep_loop(loop, 3, rates)
    assert one.losses == other.losses
    assert one.untrained == other.untrained
    assert (one.start, one.configured) == (other.start, other.configured)
    ours, theirs = lr_range_test(loop, seeds=2), lr_range_test(recipe, seeds=2)
    assert ours == theirs


def test_the_loop_gets_suggestions_by_either_method():
    net = relu_net()
    loop = TrainingLoop(net, SGD(net.parameters(), lr=0.1), classes(), loss=nn.CrossEntropyLoss())
    for method in ("ramp", "fresh"):
        found = lr_range_test(loop, method=method)
        assert found.reason == ""
        assert 0.01 < known(found.suggestion) < 3
        assert found.method == method
        assert found.configured == 0.1


def test_rates_keep_the_ratio_of_their_groups_and_the_step_sees_them():
    net = relu_net()
    groups = [{"params": net[0].parameters(), "lr": 0.1}, {"params": net[2].parameters()}]
    optimizer = SGD(groups, lr=0.01)
    rates = []

    def step(batch):
        rates.append([group["lr"] for group in optimizer.param_groups])
        return nn.functional.cross_entropy(net(batch[0]), batch[1])

    lr_range_test(TrainingLoop(net, optimizer, [classes(60)], step=step), seeds=1, steps=20)
    assert all(second == pytest.approx(first / 10) for first, second in rates)
    assert [g["lr"] for g in optimizer.param_groups] == [0.1, 0.01]


def test_an_untrainable_loop_that_blows_up_and_one_that_is_flat():
    net = nn.Linear(20, 10)
    wild = TrainingLoop(
        net, SGD(net.parameters(), lr=1.0), (1e6 * X, Y), loss=nn.CrossEntropyLoss()
    )
    found = lr_range_test(wild, low=1.0, high=100.0)
    assert found.suggestion is None
    assert "blows up at once" in found.reason
    still = TrainingLoop(
        net, SGD(net.parameters(), lr=1.0), (0 * X, Y), loss=lambda o, t: (o * 0).sum() + 1.0
    )
    for method in ("ramp", "fresh"):
        found = lr_range_test(still, method=method)
        assert found.suggestion is None
        assert "does not fall" in found.reason


def test_nothing_finite_at_the_start():
    net = nn.Linear(20, 10)
    loop = TrainingLoop(
        net, SGD(net.parameters(), lr=1.0), (X * math.nan, Y), loss=nn.CrossEntropyLoss()
    )
    assert "untrained model is not finite" in lr_range_test(loop).reason


NET = nn.Linear(2, 1)
OPT = SGD(NET.parameters(), lr=0.1)


@pytest.mark.parametrize(
    ("make", "quoted"),
    [
        (lambda: TrainingLoop(NET, OPT, []), "exactly one"),
        (lambda: TrainingLoop(NET, OPT, [], loss=min, step=max), "exactly one"),
        (lambda: TrainingLoop(nn.Linear, OPT, [], loss=min), "model is a type"),
        (lambda: TrainingLoop(NET, SGD, [], loss=min), "optimizer a type"),
        (lambda: TrainingLoop(NET, OPT, iter([1]), loss=min), "only once"),
        (lambda: TrainingLoop(nn.LazyLinear(3), OPT, [], loss=min), "do not know their shape"),
        (lambda: lr_range_test(NET), "Linear"),
        (lambda: lr_range_test(classifier(), method="slow"), "'slow'"),
        (lambda: lr_range_test(classifier(), method="fresh", steps=4), "steps is 4"),
        (lambda: lr_range_test(classifier(), method="fresh", updates=0), "updates is 0"),
        (lambda: lr_range_test(classifier(), updates=5), "updates is 5"),
    ],
)
def test_senseless_loops_are_refused(make, quoted):
    with pytest.raises(UsageError, match=quoted):
        make()


def test_an_empty_loader_is_refused():
    with pytest.raises(DataError):
        lr_range_test(TrainingLoop(NET, OPT, [], loss=nn.MSELoss()))


def test_a_snapshot_can_be_left_and_entered_again():
    scene = Scene("adam")
    before = scene.everything()
    with Snapshot(scene.net, scene.optimizer) as snapshot:
        for _ in range(2):
            scene.advance()
            later = scene.net[0].weight.detach().clone()
            with snapshot.as_it_was():
                assert torch.equal(scene.net[0].weight, before["0.weight"][0])
            assert torch.equal(scene.net[0].weight, later)
        snapshot.restore()
        assert torch.equal(scene.net[0].weight, before["0.weight"][0])
        scene.advance()
    after = scene.everything()
    for key in ("rng", "generator"):
        del before[key], after[key]  # not the snapshot's
    assert same(before, after)


def test_the_example_prints_a_rate(capsys):
    runpy.run_path(str(Path(__file__).parents[2] / "examples" / "learning_rate.py"))
    assert "learning rate 0." in capsys.readouterr().out
