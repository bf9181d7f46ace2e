"""The cadence against simulated trainings, whose times are known."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchclinic.watch.cadence import _AIM, _CALL_SECONDS, Cadence


def simulate(cadence, steps, bare, reading, idle=3e-6, first=None, noise=0.0, seed=0):
    """Steps read, and the seconds that watching really took of the bare training's seconds."""
    chance = random.Random(seed)
    read, spent, total, ask = [], 0.0, 0.0, 0
    for step in range(1, steps + 1):
        due = cadence.is_due(step) if step >= ask else False
        base = bare * (1 + noise * chance.random())
        total += base
        if due:
            cost = first if first and not read else reading
            cadence.read(base + cost, cost)
            spent += cost
            read.append(step)
        else:
            cadence.bare([(base + idle + _CALL_SECONDS, idle)])
            spent += idle + _CALL_SECONDS
            ask = cadence.next_reading(step)
    return read, spent / total


@settings(deadline=None, max_examples=40)
@given(
    bare=st.floats(2e-4, 1.0),
    relative=st.floats(0.001, 20.0),
    budget=st.sampled_from([0.01, 0.03, 0.1]),
)
def test_the_cost_stays_within_the_budget(bare, relative, budget):
    cadence = Cadence(budget)
    reading, idle = bare * relative, bare * budget / 10
    read, share = simulate(cadence, 4000, bare, reading, idle=idle - min(_CALL_SECONDS, idle))
    # the early readings may exceed it for a while: 12 powers of two lie below 4000
    early = 13 * relative / 4000
    assert share <= budget * 1.05 + early + 2 * _CALL_SECONDS / bare
    assert read[:3] == [1, 2, 4] or read[:4] == [1, 2, 3, 4]


def test_a_cheap_reading_comes_often_but_leaves_bare_steps_to_measure():
    read, share = simulate(Cadence(0.03), 800, bare=0.1, reading=0.0005)
    assert len(read) == pytest.approx(800 * 7 / 8, rel=0.02)
    assert share < 0.03


def test_a_dear_reading_comes_as_often_as_the_budget_allows():
    read, share = simulate(Cadence(0.03), 20_000, bare=1e-3, reading=5e-4)
    assert share == pytest.approx(_AIM * 0.03, rel=0.1)
    for_readings = _AIM * 0.03 * 1e-3 - (3e-6 + _CALL_SECONDS)
    assert len(read) == pytest.approx(20_000 * for_readings / 5e-4, rel=0.1)


def test_it_gets_sparser_when_readings_get_dearer():
    cadence = Cadence(0.03)
    cheap, _ = simulate(cadence, 2000, bare=1e-3, reading=1e-4)
    dear, _ = simulate(cadence, 2000, bare=1e-3, reading=2e-3)
    assert len(dear) < len(cheap) / 2.5


def test_a_heavy_first_reading_is_paid_back():
    read, share = simulate(Cadence(0.03), 50_000, bare=4e-4, reading=2e-4, first=0.05)
    assert share <= 0.032
    assert [step for step in read if step <= 64] == [1, 2, 4, 8, 16, 32, 64]


def test_other_programs_do_not_count_as_cost():
    noisy, _ = simulate(Cadence(0.03), 8000, bare=4e-4, reading=2e-4, noise=0.2)
    quiet, _ = simulate(Cadence(0.03), 8000, bare=4.4e-4, reading=2e-4)
    assert len(noisy) == pytest.approx(len(quiet), rel=0.25)


@given(every=st.integers(1, 50), step=st.integers(0, 1000))
def test_a_fixed_distance_is_kept(every, step):
    cadence = Cadence(0.03, every)
    following = cadence.next_reading(step)
    assert following > step
    assert cadence.is_due(following)
    assert not any(cadence.is_due(between) for between in range(step + 1, following))


def test_without_a_step_there_is_no_share():
    assert Cadence(0.03).share == 0.0
