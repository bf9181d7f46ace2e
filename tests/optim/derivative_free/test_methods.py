"""All gradient-free methods: the protocol, the minima they reach, seeds, clean exits."""

import gc
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from torchclinic.core import UsageError
from torchclinic.optim.derivative_free import METHODS, minimise
from torchclinic.optim.surfaces import cubic, himmelblau, rastrigin, ravine, rosenbrock

# Evaluations within which each method is to be below 1e-3, about twice what it needed with seed 0;
# None where it is not made for it. Random search knows no better than its own spread.
REACHES = {
    "cma-es": {"ravine": 400, "rosenbrock": 900, "himmelblau": 500},
    "coordinate-search": {"ravine": 60, "rosenbrock": None, "himmelblau": 110},
    "differential-evolution": {"ravine": 1200, "rosenbrock": 1000, "himmelblau": 1000},
    "nelder-mead": {"ravine": 80, "rosenbrock": 220, "himmelblau": 110},
    "one-plus-one-es": {"ravine": 350, "rosenbrock": None, "himmelblau": 150},
    "powell": {"ravine": 30, "rosenbrock": 1800, "himmelblau": 100},
    "random-search": {"ravine": None, "rosenbrock": None, "himmelblau": None},
    "spsa": {"ravine": None, "rosenbrock": None, "himmelblau": 300},
}
GLOBAL = ("differential-evolution", "random-search")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def start(dimension=2):
    return torch.full((dimension,), 2.0, dtype=torch.float64)


def sphere(points):
    return points.square().sum(-1)


def global_states():
    return torch.get_rng_state(), torch.from_numpy(np.random.get_state()[1].astype(np.int64))


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def test_all_members_are_listed():
    assert set(REACHES) == set(METHODS)


@pytest.mark.parametrize("surface", [ravine, rosenbrock, himmelblau], ids=lambda s: s.name)
@pytest.mark.parametrize("name", METHODS)
def test_it_reaches_the_minimum_within_its_evaluations(name, surface):
    allowed = REACHES[name][surface.name]
    bounds = surface.bounds if name in GLOBAL else None
    budget = allowed or 1000
    found = minimise(name, surface, surface.start, budget=budget, scale=0.5, bounds=bounds)
    assert found.evaluations <= budget
    assert found.value == pytest.approx(float(surface(found.point)))
    if allowed is None:
        assert found.value < float(surface(surface.start)) / 3
    else:
        assert found.value < 1e-3
        assert found.evaluations_to(1e-3) <= allowed
        assert surface.distance(found.point) < 0.1


@pytest.mark.parametrize("name", ["differential-evolution", "powell", "coordinate-search"])
def test_rastrigins_dents_do_not_stop_those_that_look_along_axes_or_everywhere(name):
    found = minimise(name, rastrigin, rastrigin.start, budget=1700, bounds=rastrigin.bounds)
    assert found.value < 1e-3


@pytest.mark.parametrize("name", METHODS)
def test_the_generator_decides_and_global_states_are_left(name):
    before = global_states()
    runs = [
        minimise(name, rosenbrock, rosenbrock.start, budget=120, generator=generator(seed))
        for seed in (3, 3, 4)
    ]
    assert all(map(torch.equal, before, global_states()))
    assert torch.equal(runs[0].history, runs[1].history)
    assert torch.equal(runs[0].point, runs[1].point)
    if name not in ("nelder-mead", "powell", "coordinate-search"):
        assert not torch.equal(runs[0].history, runs[2].history)


@pytest.mark.parametrize("name", METHODS)
def test_a_global_seed_changes_nothing(name):
    found = []
    for seed in (0, 1):
        state = np.random.get_state()
        try:
            np.random.seed(seed)
            found.append(minimise(name, rosenbrock, rosenbrock.start, budget=80).point)
        finally:
            np.random.set_state(state)
    assert torch.equal(*found)


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=8, deadline=None)
@given(budget=st.integers(1, 60), dimension=st.integers(2, 6), seed=st.integers(0, 99))
def test_the_budget_holds_and_the_history_only_falls(name, budget, dimension, seed):
    calls = []

    def objective(points):
        calls.append(len(points))
        return sphere(points)

    found = minimise(name, objective, start(dimension), budget=budget, generator=generator(seed))
    assert sum(calls) == found.evaluations <= budget
    assert (found.history.diff() <= 0).all()
    assert found.at.tolist() == np.cumsum(calls).tolist()
    assert found.history[-1] == found.value == sphere(found.point)


@pytest.mark.parametrize("name", METHODS)
def test_portions_and_their_order_change_nothing(name):
    with METHODS[name](start(), generator=generator()) as whole:
        generation = whole.ask()
        whole.tell(generation, sphere(generation))
        following = whole.ask()
    with METHODS[name](start(), generator=generator()) as parts:
        rows = torch.cat([parts.ask(1) for _ in range(len(generation))])
        assert torch.equal(rows, generation)
        backwards = rows.flip(0)
        parts.tell(backwards[:1], sphere(backwards[:1]))
        parts.tell(backwards[1:], sphere(backwards[1:]))
        assert torch.equal(parts.ask(), following)


@pytest.mark.parametrize("name", METHODS)
def test_batched_and_one_by_one_agree(name):
    batched = minimise(name, rosenbrock, rosenbrock.start, budget=90)
    single = minimise(name, rosenbrock, rosenbrock.start, budget=90, batched=False)
    assert torch.equal(batched.point, single.point)


@pytest.mark.parametrize("name", METHODS)
def test_bounds_are_never_left(name):
    seen = []

    def objective(points):
        seen.append(points)
        return sphere(points - 10)  # the minimum lies outside

    bounds = [(-1.0, 3.0), (0.0, 2.5)]
    found = minimise(name, objective, start(), budget=400, bounds=bounds)
    points = torch.cat(seen)
    low, high = torch.tensor(bounds, dtype=torch.float64).T
    assert ((low <= points) & (points <= high)).all()
    assert found.value < 49 + 7.5**2 + 5


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_that_are_not_finite_count_as_bad(name, bad):
    def objective(points):
        values = sphere(points)
        values[points[:, 0] > 2.4] = bad
        return values

    found = minimise(name, objective, start(), budget=300, scale=0.5)
    assert found.value < 3
    hopeless = minimise(name, lambda p: torch.full_like(p[:, 0], bad), start(), budget=30)
    assert not np.isfinite(hopeless.value)
    assert torch.equal(hopeless.point, start())


@pytest.mark.parametrize("name", METHODS)
def test_dtype_of_the_start_is_kept(name):
    with METHODS[name](start().float(), generator=generator()) as method:
        for _ in range(5):
            points = method.ask(4)
            assert points.dtype == torch.float32
            method.tell(points, sphere(points))
        assert method.best.point.dtype == torch.float32


@pytest.mark.parametrize("name", METHODS)
def test_an_objective_that_raises_leaves_no_thread(name):
    def objective(points):
        raise ZeroDivisionError("in the objective")

    with pytest.raises(ZeroDivisionError):
        minimise(name, objective, start(), budget=10)


def test_a_forgotten_method_ends_its_thread():
    method = METHODS["nelder-mead"](start())
    method.ask()
    thread = method._talk._thread
    assert thread.is_alive()
    del method
    gc.collect()
    assert not thread.is_alive()


@pytest.mark.parametrize("name", ["nelder-mead", "powell", "differential-evolution"])
def test_scipys_searches_are_scipys(name):
    """The same points as scipy visits by itself."""
    from scipy.optimize import minimize

    if name == "differential-evolution":
        found = minimise(name, sphere, start(), budget=5000)
        assert "terminated successfully" in found.reason
        assert found.value < 1e-6
        return
    visited, corners = [], np.vstack([[2.0, 2.0], [3.0, 2.0], [2.0, 3.0]])
    options = (
        {"initial_simplex": corners}
        if name == "nelder-mead"
        else {"direc": np.eye(2), "xtol": 1e-10, "ftol": 1e-14}
    )

    def objective(x):
        visited.append(x.copy())
        return float(rosenbrock(x))

    kind = "Nelder-Mead" if name == "nelder-mead" else "Powell"
    minimize(objective, [2.0, 2.0], method=kind, options=options | {"maxfev": 60})
    ours = []
    with METHODS[name](start()) as method:
        for _ in range(40):
            rows = method.ask()
            ours.append(rows[0].numpy())
            method.tell(rows, rosenbrock(rows))
    assert np.allclose(ours, visited[:40])


def test_one_plus_one_keeps_its_rule():
    from torchclinic.optim.derivative_free import OnePlusOneES

    method = OnePlusOneES(start(3))
    rows = method.ask()
    method.tell(rows, [1.0])
    assert method.step_size == 1.0
    sizes = []
    for value in (0.5, 0.7, 0.5):  # a success, a failure, and as good counts as a success
        method.tell(method.ask(), [value])
        sizes.append(method.step_size)
    up, down = np.exp(1 / 2), np.exp(-0.25 / 2)  # sqrt(3 + 1) = 2
    assert sizes == pytest.approx([up, up * down, up * down * up])


def test_spsas_first_step_moves_each_coordinate_by_its_length():
    from torchclinic.optim.derivative_free import SPSA

    method = SPSA(start(4), step=0.1, scale=2.0)
    slope = torch.tensor([3.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    rows = method.ask()
    method.tell(rows, rows @ slope)
    middle = method.ask().mean(0)
    # of a plane along one axis each estimate is exactly +-3 in every coordinate
    moved = (middle - method.start).abs()
    assert moved[0].item() == pytest.approx(0.2)
    assert (moved <= 0.2 + 1e-9).all()


def test_misuse_is_refused():
    with METHODS["cma-es"](start()) as method:
        first = method.ask()
        with pytest.raises(UsageError, match="7 points have no value yet"):
            method.ask()
        with pytest.raises(UsageError, match="not asked for"):
            method.tell(first + 1, sphere(first))
        with pytest.raises(UsageError, match=r"\(2,\) values were told"):
            method.tell(first, [1.0, 2.0])
        with pytest.raises(UsageError, match="0 points are asked for"):
            method.ask(0)
    with pytest.raises(UsageError, match="no further points: closed"):
        tell_all_and_ask(method, first)


def tell_all_and_ask(method, rows):
    method.tell(rows, sphere(rows))
    method.ask()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: minimise("newton", sphere, start(), budget=9), "known: cma-es"),
        (lambda: minimise("spsa", sphere, start(), budget=0), "budget is 0"),
        (lambda: minimise("spsa", sphere, start(), budget=9, step=-1.0), "step=-1.0"),
        (lambda: minimise("spsa", sphere, start(), budget=9, pares=2), "known: step, pert"),
        (lambda: minimise("powell", sphere, start(), budget=9, pares=2), "known: none"),
        (lambda: minimise("powell", lambda p: p, start(), budget=9), r"returned \(1, 2\) for 1"),
        (lambda: minimise("powell", sphere, torch.zeros(2, 2), budget=9), r"shape \(2, 2\)"),
        (lambda: minimise("powell", sphere, start() / 0, budget=9), "not finite"),
        (lambda: minimise("powell", sphere, start(), budget=9, scale=0.0), "scale is 0"),
        (lambda: minimise("powell", sphere, start(), budget=9, bounds=[(3.0, 4.0)] * 2), "within"),
        (lambda: minimise("powell", sphere, start(), budget=9, bounds=[(0.0, 4.0)]), "1 bounds"),
        (lambda: minimise("random-search", sphere, start(), budget=9, population=0), "is 0"),
        (lambda: minimise("differential-evolution", sphere, start(), budget=9, population=4), "5"),
        (lambda: minimise("coordinate-search", sphere, start(), budget=9, together=3), "1 to 2"),
        (lambda: minimise("cma-es", cubic, cubic.start, budget=9), "at least 2 coordinates"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cma", None)
    with pytest.raises(UsageError, match=r"torchclinic\[optim\]"):
        minimise("cma-es", sphere, start(), budget=9)


def test_target_and_path():
    found = minimise("nelder-mead", sphere, start(), budget=500, target=0.1, keep_path=True)
    assert "target 0.1" in found.reason
    assert found.value <= 0.1 < found.history[-2]
    assert torch.allclose(sphere(found.path), found.history)
    assert found.evaluations_to(0.1) == found.evaluations
    assert found.evaluations_to(-1.0) is None


def test_many_coordinates_take_the_diagonal():
    found = minimise("cma-es", sphere, torch.ones(600), budget=600, scale=0.1)
    assert found.value < 500
