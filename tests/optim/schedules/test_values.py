"""Each schedule's rates: golden values, torch's own, and what is refused."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim import SGD, Adam
from torch.optim import lr_scheduler as torchs

from torchclinic.core import Schedule, UsageError
from torchclinic.optim import (
    SCHEDULES,
    compose,
    cosine,
    cosine_restarts,
    exp_range,
    inverse_sqrt,
    linear_scaling,
    of_torch,
    one_cycle,
    plateau,
    preview,
    step_decay,
    triangular,
    triangular2,
    warm_up,
    wsd,
)


def torch_rates(make, steps, lr=1.0):
    optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=lr, momentum=0.9)
    scheduler, found = make(optimizer), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return pytest.approx(found)


@pytest.mark.parametrize(
    ("schedule", "golden"),
    [
        (warm_up(4, start=0.2), [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]),
        (warm_up(2, scale=8.0), [1.0, 4.5, 8.0, 8.0, 8.0, 8.0]),
        (cosine(), [1.0, 0.933, 0.75, 0.5, 0.25, 0.067]),
        (triangular(0.1, 0.4, half_cycle=3), [0.1, 0.2, 0.3, 0.4, 0.3, 0.2]),
        (triangular2(0.0, 0.8, half_cycle=1), [0.0, 0.8, 0.0, 0.4, 0.0, 0.2]),
        (exp_range(0.0, 1.0, half_cycle=1, end=1e-6), [0.0, 0.1, 0.0, 1e-3, 0.0, 1e-5]),
        (cosine_restarts(2, growth=1), [1.0, 0.75, 0.25, 1.0, 0.75, 0.25]),
        (cosine_restarts(first=2), [1.0, 0.5, 1.0, 0.854, 0.5, 0.146]),
        (wsd(warm_up=2, decay=2, start=0.5), [0.5, 0.75, 1.0, 1.0, 1.0, 0.5]),
        (wsd(warm_up=0, decay=4, cooldown="cosine"), [1.0, 1.0, 1.0, 0.854, 0.5, 0.146]),
        (wsd(warm_up=0, decay=4, cooldown="sqrt", floor=0.2), [1.0, 1, 1, 0.6, 0.434, 0.307]),
        (inverse_sqrt(2), [0.5, 1.0, 0.816, 0.707, 0.632, 0.577]),
        (step_decay(2), [1.0, 1.0, 0.1, 0.1, 0.01, 0.01]),
    ],
)
def test_golden_values(schedule, golden):
    assert schedule.preview(6) == pytest.approx(golden, abs=5e-4)


@given(st.integers(8, 60), st.sampled_from(["triangular", "triangular2", "exp_range"]))
def test_cyclic_rates_are_torchs(steps, mode):
    make = {"triangular": triangular, "triangular2": triangular2, "exp_range": exp_range}[mode]
    half = max(1, round(steps / 6))
    gamma = 0.1 ** (1 / steps) if mode == "exp_range" else 1.0
    theirs = torch_rates(
        lambda o: torchs.CyclicLR(o, 0.01, 0.3, half, mode=mode, gamma=gamma, cycle_momentum=False),
        steps,
    )
    assert make(0.01, 0.3, cycles=3).preview(steps) == theirs


def test_smiths_formula_of_the_triangle():
    rates = triangular(0.001, 0.006, half_cycle=7).preview(60)
    for t, rate in enumerate(rates):
        cycle = math.floor(1 + t / 14)
        x = abs(t / 7 - 2 * cycle + 1)
        assert rate == pytest.approx(0.001 + 0.005 * max(0, 1 - x))


@pytest.mark.parametrize("anneal", ["cos", "linear"])
def test_one_cycle_is_torchs(anneal):
    theirs = torch_rates(
        lambda o: torchs.OneCycleLR(o, 0.5, 50, anneal_strategy=anneal, pct_start=0.4), 50
    )
    assert one_cycle(0.5, rise=0.4, anneal=anneal).preview(50) == theirs
    assert one_cycle(rise=0.4, anneal=anneal).preview(50, lr=0.5) == theirs


def test_one_cycle_moves_the_momentum_against_the_rate():
    optimizer = Adam([nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = one_cycle(cycle_momentum=True).factory(optimizer, 50)
    seen = []
    for _ in range(50):
        seen.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["betas"][0]))
        optimizer.step()
        scheduler.step()
    assert max(seen)[1] == pytest.approx(0.85, abs=1e-3)
    assert seen[0][1] == pytest.approx(0.95)


def test_restarts_are_torchs_and_fill_the_training():
    theirs = torch_rates(lambda o: torchs.CosineAnnealingWarmRestarts(o, 10, 2, 0.01), 70)
    assert cosine_restarts(3, growth=2, min_lr=0.01).preview(70) == theirs
    rates = cosine_restarts(3, growth=2).preview(70)
    assert [t for t, rate in enumerate(rates) if rate == 1.0] == [0, 10, 30]


def test_warm_up_then_stable_is_torchs_sequence():
    def theirs(o):
        rise = torchs.LinearLR(o, 0.01, total_iters=10)
        stay = torchs.ConstantLR(o, factor=1.0)
        return torchs.SequentialLR(o, [rise, stay], milestones=[10])

    expected = torch_rates(theirs, 40, lr=0.3)
    assert warm_up(10).preview(40, lr=0.3) == expected
    assert wsd(warm_up=10, decay=0).preview(40, lr=0.3) == expected


def test_vaswanis_formula():
    width, rise = 512, 40
    rates = inverse_sqrt(rise).preview(400, lr=(width * rise) ** -0.5)
    for t, rate in enumerate(rates, start=1):
        assert rate == pytest.approx(width**-0.5 * min(t**-0.5, t * rise**-1.5))


def test_the_linear_scaling_rule_goes_from_the_small_rate_to_the_large():
    k = linear_scaling(2048, 256)
    assert k == 8
    rates = warm_up(5, scale=k).preview(20, lr=0.1)
    assert rates[0] == 0.1
    assert rates[5:] == pytest.approx([0.8] * 15)
    assert list(rates) == sorted(rates)


def test_a_plateau_falls_after_patience_epochs_without_improvement():
    schedule = plateau(factor=0.5, patience=2)
    values = [1.0, 0.5, 0.5, 0.5, 0.5, 0.1]
    rates = schedule.preview(7, lr=1.0, values=values)
    assert rates == (1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5)
    twice = schedule.preview(12, lr=1.0, steps_per_epoch=2, values=values)
    assert twice == tuple(rate for rate in rates[:6] for _ in range(2))


def test_composition_is_its_parts_laid_end_to_end():
    parts = [warm_up(1.0, start=0.1), triangular(0.2, 0.6, half_cycle=2), cosine(floor=0.1)]
    whole = compose(*parts, at=[5, 0.6]).preview(20, lr=0.6)
    lengths = (5, 7, 8)
    expected = [
        rate
        for part, length in zip(parts, lengths, strict=True)
        for rate in part.preview(length, lr=0.6)
    ]
    assert whole == pytest.approx(expected)


def test_composition_where_torchs_own_sequence_goes_wrong():
    """Parts that set the groups' rates as they are built do not disturb the others."""
    rates = compose(warm_up(1.0, start=0.5), one_cycle(0.8), at=[4]).preview(24, lr=0.8)
    assert rates[:4] == pytest.approx([0.4, 0.5, 0.6, 0.7])
    assert rates[4:] == pytest.approx(one_cycle(0.8).preview(20))


def test_compositions_nest_and_count_epochs():
    inner = compose(warm_up(1.0), cosine(), at=[0.5])
    outer = compose(inner, wsd(), at=[0.5])
    assert outer.preview(40)[:20] == pytest.approx(inner.preview(20))
    epochs = compose(step_decay(1), step_decay(2), at=[2])
    assert epochs.per == "epoch"
    found = epochs.preview(10, steps_per_epoch=2)
    assert found == pytest.approx([1.0, 1.0, 0.1, 0.1, 1.0, 1.0, 1.0, 1.0, 0.1, 0.1])


@given(
    st.sampled_from([name for name in SCHEDULES if name != "plateau"]),
    st.integers(20, 300),
    st.floats(1e-6, 10),
)
def test_the_rate_only_scales(name, steps, lr):
    schedule = SCHEDULES[name].make()
    unit = schedule.preview(steps)
    assert schedule.preview(steps, lr=lr) == pytest.approx([lr * rate for rate in unit])


def test_a_preview_leaves_the_random_state_and_takes_bare_factories():
    before = torch.get_rng_state()
    bare = preview(lambda o: torchs.ExponentialLR(o, 0.5), 6, lr=1.0, steps_per_epoch=3)
    assert bare == (1.0, 1.0, 1.0, 0.5, 0.5, 0.5)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    "schedule",
    [
        warm_up(500),
        wsd(warm_up=60, decay=60),
        wsd(warm_up=0.7, decay=0.7),
        inverse_sqrt(101),
        triangular(half_cycle=200),
        cosine_restarts(first=101),
        compose(warm_up(1.0), cosine(), at=[100]),
        compose(warm_up(120), cosine(), at=[50]),
    ],
    ids=lambda s: s.name,
)
def test_a_schedule_shorter_than_its_warm_up_is_refused(schedule):
    with pytest.raises(UsageError, match=r"takes \d+ steps, the training has \d+|steps long"):
        schedule.preview(100)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: warm_up(-1), "warm-up is -1"),
        (lambda: warm_up(1.5), "warm-up is 1.5"),
        (lambda: warm_up(True), "warm-up is True"),
        (lambda: warm_up(start=0.0), "0 < start <= scale"),
        (lambda: warm_up(scale=float("nan")), "0 < start <= scale"),
        (lambda: cosine(floor=2.0), "floor is 2.0"),
        (lambda: triangular(0.5, 0.1), "not below"),
        (lambda: triangular(0.5).preview(10, lr=0.1), "not below the optimizer's rate"),
        (lambda: triangular(high=-1.0), "rates above 0"),
        (lambda: triangular(cycles=0), "cycles=0"),
        (lambda: exp_range(end=0.0), "end is 0.0"),
        (lambda: one_cycle(rise=1.0), "0 < rise < 1"),
        (lambda: one_cycle(high=0.0), "high is 0.0"),
        (lambda: one_cycle(anneal="step"), "known: cos, linear"),
        (lambda: one_cycle().preview(3), "at least 4 steps"),
        (lambda: cosine_restarts(0), "cycles is 0"),
        (lambda: cosine_restarts(first=0), "first is 0"),
        (lambda: cosine_restarts(min_lr=-1.0), "min_lr is -1.0"),
        (lambda: wsd(cooldown="log"), "known: linear, cosine, sqrt"),
        (lambda: wsd(floor=1.5), "0 <= floor <= 1"),
        (lambda: wsd(decay=2.0), "decay is 2.0"),
        (lambda: inverse_sqrt(-0.1), "warm-up is -0.1"),
        (lambda: step_decay(0), "every=0"),
        (lambda: plateau(factor=1.0), "factor=1.0"),
        (lambda: plateau().preview(5), "was given 0 values"),
        (lambda: plateau().preview(5, values=[1.0]), "was given 1 values"),
        (lambda: linear_scaling(0), "0 and 256"),
        (lambda: of_torch("StepRL"), "known: StepLR"),
        (lambda: of_torch("StepLR", step=3), "known: step_size"),
        (lambda: of_torch("SequentialLR"), "no schedule"),
        (lambda: compose(cosine(), at=[]), "1 parts"),
        (lambda: compose(cosine(), cosine(), at=[1, 2]), "2 parts with 2 changes"),
        (lambda: compose(cosine(), cosine(), at=[-3]), "a change is -3"),
        (lambda: compose(cosine(), step_decay(), at=[3]), "cosine per step, step decay per epoch"),
        (lambda: compose(step_decay(), plateau(), at=[3]), "plateau"),
        (lambda: cosine().preview(0), "steps is 0"),
        (lambda: cosine().preview(5, lr=float("nan")), "lr is nan"),
        (lambda: cosine().preview(5, lr=-1.0), "lr is -1.0"),
        (lambda: cosine().preview(5, steps_per_epoch=0), "steps_per_epoch is 0"),
        (lambda: SCHEDULES["warmup"], "known: "),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()


def test_a_schedule_is_a_value_of_core():
    assert isinstance(wsd(), Schedule)
    assert wsd() == wsd()
    assert wsd() != wsd(decay=0.3)
