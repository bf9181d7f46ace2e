"""Every surface is what it says: minima, stationary points, gradients, bounds."""

import math

import pytest
import torch
from scipy.optimize import minimize, rosen

from torchclinic.core import Schedule, UsageError
from torchclinic.optim import make
from torchclinic.optim.surfaces import (
    SURFACES,
    beale,
    cubic,
    descend,
    himmelblau,
    levy,
    rastrigin,
    ravine,
    rosenbrock,
    saddle,
)

ALL = SURFACES.members()
WITH_MINIMUM = [s for s in ALL if s.minima]


def gradient(surface, point):
    x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    surface(x).backward()
    return x.grad


@pytest.mark.parametrize("surface", ALL, ids=lambda s: s.name)
def test_the_gradient_is_right_and_zero_at_the_named_points(surface):
    generator = torch.Generator().manual_seed(0)
    low, high = torch.tensor(surface.bounds, dtype=torch.float64).T
    draws = torch.rand(5, surface.dimension, generator=generator, dtype=torch.float64)
    x = (low + (high - low) * draws).requires_grad_()
    assert torch.autograd.gradcheck(surface, (x,))
    for point in (*surface.minima, *surface.stationary):
        assert gradient(surface, point).abs().max() < 1e-5
    assert gradient(surface, surface.start).abs().max() > 1e-3


@pytest.mark.parametrize("surface", WITH_MINIMUM, ids=lambda s: s.name)
def test_the_minima_are_minima_and_nothing_drawn_is_lower(surface):
    values = surface(torch.tensor(surface.minima, dtype=torch.float64))
    assert torch.allclose(values, torch.full_like(values, surface.lowest), atol=1e-12)
    assert surface.minimum == surface.minima[0]
    assert surface.grid(301)[-1].min() >= surface.lowest - 1e-12
    low, high = torch.tensor(surface.bounds).T
    for point in torch.tensor([*surface.minima, surface.start]):
        assert ((low <= point) & (point <= high)).all()
    for minimum in surface.minima:
        near = [m + 0.01 for m in minimum]
        found = minimize(lambda x: float(surface(x)), near, method="Nelder-Mead", tol=1e-12)
        assert found.x == pytest.approx(minimum, abs=1e-4)


@pytest.mark.parametrize("surface", [saddle, cubic], ids=lambda s: s.name)
def test_those_without_a_minimum_go_down_without_end(surface):
    assert surface.minimum is None
    assert surface.lowest == -math.inf
    away = [0.0] * (surface.dimension - 1) + [-1e6]
    assert float(surface(away)) < -1e9
    assert surface.distance(torch.zeros(3, surface.dimension)).isinf().all()


def test_golden_values():
    # Beale's constants are 1.5, 2.25 and 2.625: their squares at the origin
    assert float(beale([0.0, 0.0])) == 1.5**2 + 2.25**2 + 2.625**2
    assert float(himmelblau([0.0, 0.0])) == 170.0
    assert float(rosenbrock([-1.2, 1.0])) == pytest.approx(24.2)
    assert float(rastrigin([0.5, 0.5])) == pytest.approx(2 * (0.25 + 20))
    assert float(ravine([1.0, 1.0])) == 13.0
    assert (float(saddle([2.0, 1.0])), float(cubic([-2.0]))) == (3.0, -8.0)
    assert float(levy([-3.0, 1.0])) == pytest.approx(1 + 10 * math.sin(1) ** 2)


@pytest.mark.parametrize("dimension", [2, 5, 20])
def test_more_dimensions(dimension):
    wide = rosenbrock.in_dimensions(dimension)
    x = torch.randn(dimension, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert float(wide(x)) == pytest.approx(rosen(x.numpy()))
    for surface in (wide, rastrigin.in_dimensions(dimension), levy.in_dimensions(dimension)):
        assert len(surface.start) == len(surface.bounds) == len(surface.minima[0]) == dimension
        assert float(surface(surface.minima[0])) == pytest.approx(surface.lowest, abs=1e-12)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(UsageError, match="last dimension has 2"):
        ravine([1.0, 2.0, 3.0])
    with pytest.raises(UsageError, match="no form in 3 dimensions"):
        beale.in_dimensions(3)
    with pytest.raises(UsageError, match="cannot be drawn"):
        rosenbrock.in_dimensions(3).grid()
    with pytest.raises(UsageError, match="known: beale"):
        SURFACES["sphere"]


def test_descent_on_the_ravine_is_the_closed_form():
    way = descend(ravine, lambda p: torch.optim.SGD(p, lr=0.03), steps=50)
    x, y = ravine.start
    for t in (0, 1, 17, 50):
        expected = [x * (1 - 0.03) ** t, y * (1 - 0.03 * 25) ** t]
        assert way.points[t].tolist() == pytest.approx(expected)
    assert torch.allclose(way.values, ravine(way.points))


def test_plain_descent_sticks_at_the_saddle_and_noise_frees_it():
    def sgd(p):
        return torch.optim.SGD(p, lr=0.1)

    stuck = descend(saddle, sgd, 100, start=(-1.0, 0.0))
    assert abs(stuck.values[-1]) < 1e-8
    assert descend(saddle, sgd, 100, start=(-1.0, 0.0), noise=0.01).values[-1] < -1


def test_a_descent_that_leaves_the_numbers_stays_where_it_was():
    way = descend(cubic, lambda p: torch.optim.SGD(p, lr=3.0), steps=20)
    assert not way.values[-1].isfinite()
    assert len(way.points) == 21
    assert way.steps_to(0.0) == 1
    assert way.steps_to(-math.inf) is not None


def test_optimizers_with_a_closure_and_schedules_work():
    fast = descend(rosenbrock, lambda p: torch.optim.LBFGS(p, line_search_fn="strong_wolfe"), 10)
    assert fast.values[-1] < 1e-8
    halving = Schedule(lambda o, _: torch.optim.lr_scheduler.ExponentialLR(o, 0.5))
    way = descend(cubic, lambda p: torch.optim.SGD(p, lr=0.1), 2, schedule=halving)
    first = 1 - 0.1 * 3
    assert way.points[2].item() == pytest.approx(first - 0.05 * 3 * first**2)


@pytest.mark.parametrize("name", ["sgd", "nesterov", "adagrad", "adam"])
def test_many_starts_walk_as_each_alone(name):
    starts = torch.tensor([[0.5, 0.5], [3.0, -2.0], [4.4, 4.4]], dtype=torch.float64)
    factory = make(name, lr=1e-3)
    together = descend(beale, factory, 30, start=starts)
    alone = [descend(beale, factory, 30, start=start) for start in starts]
    assert together.points.shape == (31, 3, 2)
    assert torch.equal(together.points, torch.stack([way.points for way in alone], dim=1))
    assert torch.equal(together.values, torch.stack([way.values for way in alone], dim=1))


def test_a_walk_that_diverges_harms_no_other():
    starts = torch.tensor([[-9.0], [1.0]], dtype=torch.float64)
    way = descend(cubic, make("sgd", lr=0.1), 40, start=starts)
    assert not way.values[-1, 0].isfinite()
    alone = descend(cubic, make("sgd", lr=0.1), 40, start=(1.0,))
    assert torch.equal(way.points[:, 1], alone.points)
    with pytest.raises(UsageError, match="2 walks"):
        way.steps_to(0.0)


@pytest.mark.parametrize("start", [(1.0, 2.0, 3.0), 1.0, torch.zeros(2, 2, 2), torch.zeros(0, 2)])
def test_a_start_that_is_no_point_is_refused(start):
    with pytest.raises(UsageError, match="start of shape"):
        descend(beale, make("sgd", lr=0.1), 1, start=start)
