"""Every optimizer by name: its formula, its memory, its factory, and that it goes downhill."""

import copy
import dataclasses
import inspect
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from optim.optimizers import formulas
from torchclinic.core import Recipe, UsageError
from torchclinic.optim import OPTIMIZERS, OptimizerFactory, make
from torchclinic.training import train

ORACLES = {name: f for name, f in vars(formulas).items() if inspect.isfunction(f)}
WITHOUT_ORACLE = {"lbfgs", "adamp", "prodigy"}  # no closed formula of a few lines
APART = {"muon": 5e-3}  # torch orthogonalises in bfloat16
RATES = {"adadelta": 10.0, "adagrad": 0.3, "lars": 5.0, "prodigy": 1.0, "lbfgs": 0.5}


def test_each_is_compared_with_its_formula_or_named_as_not():
    assert set(ORACLES) | WITHOUT_ORACLE == set(OPTIMIZERS)
    assert not set(ORACLES) & WITHOUT_ORACLE


@pytest.mark.parametrize("name", ORACLES)
def test_its_steps_are_those_of_its_formula(name):
    random = np.random.default_rng(0)
    root = random.normal(size=(5, 5))
    hessian = root @ root.T / 5 + np.eye(5)
    noise, start = 0.3 * random.normal(size=(41, 5, 4)), random.normal(size=(5, 4))

    def gradient(w, t):
        return hessian @ w + noise[t]

    rate = 1.0 if name == "adadelta" else 0.02
    expected = ORACLES[name](start.copy(), gradient, 40, rate)
    weights = torch.tensor(start.copy(), requires_grad=True)
    optimizer = make(name, [weights], lr=rate)
    for t in range(1, 41):
        found = torch.tensor(gradient(weights.detach().numpy(), t))
        weights.grad = found.to_sparse() if name == "sparseadam" else found
        optimizer.step()
    assert abs(expected - start).max() > 1e-3
    assert np.allclose(weights.detach().numpy(), expected, atol=APART.get(name, 1e-7))


def test_lbfgs_solves_a_quadratic_in_few_evaluations():
    curvatures = torch.tensor([1.0, 3.0, 9.0, 27.0], dtype=torch.float64)
    at = torch.ones(4, dtype=torch.float64, requires_grad=True)
    optimizer = make("lbfgs", [at], lr=1.0, line_search_fn="strong_wolfe")
    calls = []

    def closure():
        calls.append(1)
        optimizer.zero_grad()
        value = (curvatures * at**2).sum() / 2
        value.backward()
        return value

    optimizer.step(closure)
    spent = len(calls)
    reached = closure().item()
    # descent at its best shrinks the value by (26 / 28)^2 a step: 27 steps leave a fiftieth
    assert spent < 27
    assert reached < 1e-8


def test_adamp_is_adam_where_the_gradient_is_not_across_the_weights():
    """Along the weights nothing is projected away."""
    found = {}
    for name in ("adam", "adamp"):
        w = torch.tensor([[3.0, 4.0], [1.0, 2.0]], dtype=torch.float64, requires_grad=True)
        optimizer = make(name, [w], lr=0.01)
        for _ in range(10):
            w.grad = w.detach().clone()
            optimizer.step()
        found[name] = w.detach()
    assert torch.allclose(found["adam"], found["adamp"], atol=1e-7)


def test_prodigy_needs_no_rate():
    """The same start far away and near: the distance is found by the method."""
    for distance in (0.1, 1.0, 10.0):
        at = torch.zeros(3, dtype=torch.float64, requires_grad=True)
        optimizer = make("prodigy", [at])
        for _ in range(600):
            at.grad = at.detach() - distance
            optimizer.step()
        assert (at.detach() - distance).abs().max() < 0.1 * distance


def stepped(name, shape=(64, 48), steps=1):
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(shape, generator=generator).requires_grad_()
    optimizer = make(name, [weights], **({"lr": 0.02} if name == "lbfgs" else {}))
    scales = torch.rand(shape, generator=generator) + 0.5

    def closure():
        optimizer.zero_grad()
        loss = (scales * weights**4).sum()
        loss.backward()
        if name == "sparseadam":
            weights.grad = weights.grad.to_sparse()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return weights, optimizer


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_keeps_as_many_numbers_as_it_says(name):
    steps = 12 if name == "lbfgs" else 1
    weights, optimizer = stepped(name, steps=steps)
    kept = numbers(optimizer.state[weights])
    extra = 0.05 + 1.0 / 48  # rows and columns, counters
    assert kept / weights.numel() == pytest.approx(OPTIMIZERS[name].memory, abs=extra)


def numbers(value):
    if isinstance(value, torch.Tensor):
        return value.numel() if value.numel() > 1 else 0
    items = value.values() if isinstance(value, dict) else value
    return sum(map(numbers, items)) if isinstance(value, dict | list | tuple) else 0


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_member_is_described(name):
    kind = OPTIMIZERS[name]
    assert kind.name == name
    for field in ("title", "formula", "attribute", "source", "state"):
        assert getattr(kind, field)
    assert kind.load().__name__ == kind.attribute
    assert kind.formula.count("{") == kind.formula.count("}")
    assert kind.formula.count(r"\left") == kind.formula.count(r"\right")
    assert set(kind.defaults()) <= set(kind.options())
    assert kind.defaults()["lr"] > 0


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - {"sparseadam"}))
def test_it_goes_down_a_quadratic(name):
    """Curvatures from 1 to 5 over a matrix."""
    generator = torch.Generator().manual_seed(0)
    goal = torch.randn(4, 6, generator=generator)
    at = torch.zeros(4, 6).add_(goal.flip(0)).requires_grad_()
    curvatures = torch.linspace(1, 5, 4)[:, None]
    optimizer = make(name, [at], lr=RATES.get(name, 0.01))

    def closure():
        optimizer.zero_grad()
        value = (curvatures * (at - goal) ** 2).sum() / 2
        value.backward()
        return value

    before = closure().item()
    for _ in range(400):
        optimizer.step(closure)
    assert closure().item() < before / 5


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_factories_are_partials_that_can_be_pickled_and_compared(name):
    factory = make(name, lr=0.05)
    assert isinstance(factory, OptimizerFactory)
    assert isinstance(factory, partial)
    for again in (pickle.loads(pickle.dumps(factory)), copy.deepcopy(factory)):
        assert again == factory
        assert hash(again) == hash(factory)
        assert eval(repr(again), {"make": make}) == factory
    weights = torch.zeros(2, 2, requires_grad=True)
    built, direct = factory([weights]), make(name, [weights], lr=0.05)
    assert type(built) is type(direct) is OPTIMIZERS[name].load()
    assert built.param_groups[0]["lr"] == direct.param_groups[0]["lr"] == 0.05
    assert factory.but(lr=0.5) == make(name, lr=0.5) != factory


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - {"sparseadam", "muon"}))
def test_recipes_take_them(name):
    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
    made = Recipe(
        model=partial(nn.Linear, 3, 1),
        loss=nn.MSELoss(),
        data=(x, x.sum(1, keepdim=True)),
        optimizer=make(name, lr=RATES.get(name, 0.01) / 10),
        batch_size=8,
        steps=6,
    )
    history = train(made).history
    assert len(history.losses) == 6
    assert all(map(np.isfinite, history.losses))


def test_the_closed_forms_on_a_quadratic():
    """1 - eta lambda a step for SGD, the root of rho for well-tuned momentum."""
    curvatures = torch.tensor([1.0, 25.0], dtype=torch.float64)
    at = torch.ones(2, dtype=torch.float64, requires_grad=True)
    sgd = make("sgd", [at], lr=2 / 26)
    for _ in range(30):
        at.grad = curvatures * at.detach()
        sgd.step()
    assert at.detach().abs().tolist() == pytest.approx([(24 / 26) ** 30] * 2)
    best_lr, best_rho = 4 / 6**2, (4 / 6) ** 2  # Polyak's for curvatures 1 and 25
    at = torch.ones(2, dtype=torch.float64, requires_grad=True)
    momentum = make("momentum", [at], lr=best_lr, momentum=best_rho)
    lengths = []
    for _ in range(120):
        at.grad = curvatures * at.detach()
        momentum.step()
        lengths.append(at.detach().norm().item())
    rate = (lengths[-1] / lengths[59]) ** (1 / 60)
    assert rate == pytest.approx(4 / 6, rel=0.05)


def test_the_lectures_sign_of_nesterov_looks_back_and_not_ahead():
    """w + rho v, as one lecture has it, is where the weights came from: it overshoots more."""

    def overshoot(sign):
        w, v, furthest = 1.0, 0.0, 0.0
        for _ in range(60):
            v = 0.9 * v + (w + sign * 0.9 * 0.05 * v)
            w -= 0.05 * v
            furthest = min(furthest, w)
        return -furthest

    assert overshoot(-1) < 0.8 * overshoot(0) < 0.8 * overshoot(1)


def test_coupled_and_decoupled_decay_differ_as_the_papers_say():
    def after(name, gradient, decay):
        w = torch.tensor([[2.0, -0.5]], dtype=torch.float64, requires_grad=True)
        optimizer = make(name, [w], lr=0.1, weight_decay=decay)
        w.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        return w.detach()[0].tolist()

    # without a gradient Adam + L2 moves every weight by the rate, however small the decay
    for decay in (1e-3, 1.0):
        assert after("adam", [0.0, 0.0], decay) == pytest.approx([1.9, -0.4], abs=1e-5)
    # AdamW shrinks each in proportion
    assert after("adamw", [0.0, 0.0], 0.5) == pytest.approx([2.0 * 0.95, -0.5 * 0.95])
    # with plain SGD the two are the same
    assert after("sgd", [1.0, 1.0], 0.5) == pytest.approx([2 * 0.95 - 0.1, -0.5 * 0.95 - 0.1])


def test_coupled_decay_over_many_steps_is_adam_on_the_penalised_loss():
    random = np.random.default_rng(1)
    start, noise = random.normal(size=(3, 2)), random.normal(size=(31, 3, 2))

    def gradient(w, t):
        return w + noise[t]

    for name, options in (("adam", {"coupled": 0.1}), ("adamw", {"decay": 0.1})):
        expected = formulas.adam(start.copy(), gradient, 30, 0.01, **options)
        w = torch.tensor(start.copy(), requires_grad=True)
        optimizer = make(name, [w], lr=0.01, weight_decay=0.1)
        for t in range(1, 31):
            w.grad = torch.tensor(gradient(w.detach().numpy(), t))
            optimizer.step()
        assert np.allclose(w.detach().numpy(), expected, atol=1e-9)


def test_the_rest_of_pytorch_optimizer_is_there_too():
    factory = make("stableadamw", lr=0.01)
    assert eval(repr(factory), {"make": make}) == factory
    assert type(factory([torch.zeros(2, 2, requires_grad=True)])).__name__ == "StableAdamW"


def test_a_model_or_groups_can_be_given():
    model = nn.Linear(3, 2)
    assert len(make("adam", model, lr=0.1).param_groups[0]["params"]) == 2
    groups = [{"params": [model.weight], "lr": 0.5}, {"params": [model.bias]}]
    assert [g["lr"] for g in make("adam", groups, lr=0.1).param_groups] == [0.5, 0.1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make("adamm"), r"'adamm' \(did you mean adam"),
        (lambda: make("AdamW"), "did you mean adamw"),
        (lambda: make("zzzzzz"), "known: "),
        (lambda: make("sgd", learning_rate=0.1), r"no option 'learning_rate' \(known: lr"),
        (lambda: make("sgd", lr=-1.0), "lr is -1.0"),
        (lambda: make("adam", lr=float("nan")), "lr is nan"),
        (lambda: make("sgd", momentum=-1.0), r"make\('sgd', momentum=-1.0\) cannot be built: Inv"),
        (lambda: make("adam", betas=(2.0, 0.9)), "cannot be built"),
        (lambda: make("ranger21"), "num_iterations"),
        (lambda: make("adam", []), "cannot be built"),
        (lambda: make("muon", nn.Linear(2, 2)), "cannot be built"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pytorch_optimizer", None)
    with pytest.raises(UsageError, match=r"pytorch_optimizer.*torchclinic\[optim\]"):
        make("adabelief")
    with pytest.raises(UsageError, match="there is no optimizer 'stableadamw'"):
        make("stableadamw")
    assert make("adam").name == "adam"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_kind_prints_what_there_is_to_know(name):
    kind = OPTIMIZERS[name]
    text = str(kind)
    assert dataclasses.is_dataclass(kind)
    for part in (kind.formula, kind.source, kind.state, kind.note, f"lr={kind.defaults()['lr']!r}"):
        assert part in text
