"""The small parts of the watch: spreading, windows, bounded series, taps, globs."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from torchclinic.core import UsageError
from torchclinic.watch.columns import Row
from torchclinic.watch.scalars import ScalarSeries
from torchclinic.watch.selection import Globs
from torchclinic.watch.store import Store
from torchclinic.watch.taps import Taps
from torchclinic.watch.thin import LIMIT, first_float, last_rows, spread, thin
from torchclinic.watch.unit_maxima import RowWindow, largest_by_unit


@settings(deadline=None, max_examples=80)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(2, 200))
def test_thin_takes_that_many_elements_each_once(shape, runs):
    limit, size = 8 * runs, math.prod(shape)
    if size <= limit:
        return
    elements = thin(torch.arange(float(size)).view(shape), limit)
    assert elements.shape == (limit,)
    found = elements.numpy()
    kept = last_rows(shape[0], size) * (size // shape[0])
    assert found.min() >= size - kept
    assert found.max() < size
    if size >= 2 * limit:
        assert len(np.unique(found)) == limit
    gaps = np.diff(found.reshape(-1, 8)[:, 0])
    assert len(set(gaps.tolist())) <= 1  # evenly


def test_thin_meets_all_units_alike():
    units = torch.arange(64.0).expand(512, 64).contiguous()
    counts = torch.bincount(thin(units).long(), minlength=64)
    assert counts.min() > 0.5 * LIMIT / 64
    assert counts.max() < 1.5 * LIMIT / 64


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_thin_of_other_layouts_shares_no_memory_and_has_the_right_mean(layout):
    torch.manual_seed(0)
    tensor = torch.randn(64, 16, 9, 9).add_(3).to(memory_format=layout)
    elements = thin(tensor)
    assert elements.mean().item() == pytest.approx(3, abs=0.1)
    tensor.zero_()
    assert elements.mean().item() == pytest.approx(3, abs=0.1)
    assert thin(tensor.transpose(0, 2)).shape == (LIMIT,)
    assert thin(tensor[:, ::2]).shape == (LIMIT,)
    assert thin(tensor[:1].expand(100, -1, -1, -1)).shape == (LIMIT,)


def test_spread_is_a_view():
    weight = torch.zeros(100, 100)
    weight.fill_(1.0)
    part = spread(weight, 800)
    weight.fill_(2.0)
    assert part.unique().tolist() == [2.0]


def test_first_float_finds_its_way():
    one = torch.ones(2)
    assert first_float((torch.ones(1).long(), {"a": [one]})) is one
    assert first_float({"ids": torch.ones(1).long()}) is None
    assert first_float("text") is None


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(1, 5), st.sampled_from([1, 3, 8, 17])), max_size=12),
    st.integers(1, 40),
    st.integers(0, 99),
)
def test_a_window_holds_the_maxima_of_a_tail_with_enough_rows(batches, needed, seed):
    generator = torch.Generator().manual_seed(seed)
    window, history = RowWindow(needed), []
    for readings, rows in batches:
        new = torch.randn(readings, 2, 3, generator=generator)
        early, windows, spanned = window.add(new, rows)
        assert len(windows) == readings - early
        for place in range(readings):
            history.append((new[place], rows))
            tail, total = [], 0
            for maxima, count in reversed(history):
                tail.append(maxima)
                total += count
                if total >= needed:
                    break
            assert (total < needed) == (place < early)
            if place >= early:
                assert spanned <= total
                assert torch.equal(windows[place - early], torch.stack(tail).amax(0))


def test_largest_by_unit():
    tensor = torch.randn(5, 4, 3, 2)
    maxima, rows = largest_by_unit(tensor, 1)
    assert rows == 5
    assert torch.equal(maxima, tensor.movedim(1, 0).flatten(1).amax(1))
    assert largest_by_unit(torch.tensor([1.0, 2.0]), -1)[1] == 1


@settings(deadline=None, max_examples=60)
@given(st.integers(4, 60), st.integers(1, 1500))
def test_a_scalar_series_is_bounded_and_keeps_first_and_newest(limit, count):
    series = ScalarSeries(limit)
    for step in range(1, count + 1):
        series.add(step, torch.tensor(0.5 * step) if step % 3 == 0 else 0.5 * step)
    found = series.series()
    assert len(found) <= limit
    assert found.steps[0] == 1
    assert found.steps[-1] == count
    assert list(found.values) == [0.5 * step for step in found.steps]
    gaps = np.diff(found.steps[:-1])
    assert len(set(gaps.tolist())) <= 1
    if count <= limit - 2:
        assert len(found) == count


@settings(deadline=None, max_examples=60)
@given(st.integers(4, 20), st.lists(st.integers(0, 30), max_size=12))
def test_values_in_bulk_are_values_one_by_one(limit, sizes):
    bulk, single = ScalarSeries(limit), ScalarSeries(limit)
    step = 0
    for size in sizes:
        steps = list(range(step + 1, step + size + 1))
        bulk.extend(steps, [0.5 * s for s in steps])
        for s in steps:
            single.add(s, 0.5 * s)
        step += size
        assert bulk.series() == single.series()


@settings(deadline=None, max_examples=60)
@given(st.integers(4, 60), st.integers(1, 1500))
def test_the_store_is_bounded_and_keeps_first_and_newest(limit, count):
    store = Store(limit)
    for step in range(1, count + 1):
        row = Row(step)
        store.add(row)
        store.fetch()
    steps = [row.step for row in store.rows()]
    assert len(steps) <= limit
    assert steps[0] == 1
    assert steps[-1] == count
    assert store.count == count
    assert steps == sorted(set(steps))


class Ear:
    """A listener that writes down what it hears."""

    def __init__(self, fails=False):
        self.heard, self.fails = [], fails

    def before_backward(self, root, scale):
        if self.fails:
            raise ZeroDivisionError
        self.heard.append((float(root.detach()), None if scale is None else float(scale)))
        return lambda: self.heard.append("after")

    def scaler_updated(self):
        self.heard.append("updated")

    def failed(self, error):
        self.heard.append(error)


def backward(value=2.0):
    (torch.ones(1, requires_grad=True) * value).sum().backward()


def test_taps_come_out_in_any_order_and_leave_no_trace():
    original = torch.autograd.backward
    taps, one, two = Taps(), Ear(), Ear()
    taps.add(one)
    taps.add(two)
    backward()
    taps.remove(one)  # the first in is the first out
    backward(3.0)
    taps.remove(two)
    backward()
    assert one.heard == [(2.0, None), "after"]
    assert two.heard == [(2.0, None), "after", (3.0, None), "after"]
    assert torch.autograd.backward is original


def test_a_tap_that_another_has_tapped_stays_quiet_instead_of_removing_it():
    original = torch.autograd.backward
    taps, ear = Taps(), Ear()
    taps.add(ear)
    ours = torch.autograd.backward
    calls = []

    def theirs(*args, **kwargs):
        calls.append(1)
        return ours(*args, **kwargs)

    torch.autograd.backward = theirs
    try:
        taps.remove(ear)
        assert torch.autograd.backward is theirs
        backward()
        assert calls == [1]
        assert ear.heard == []
    finally:
        torch.autograd.backward = original


def test_a_listener_that_raises_does_not_stop_the_backward_pass():
    taps, ear = Taps(), Ear(fails=True)
    taps.add(ear)
    leaf = torch.ones(1, requires_grad=True)
    leaf.sum().backward()
    taps.remove(ear)
    assert leaf.grad is not None
    assert isinstance(ear.heard[0], ZeroDivisionError)


def test_taps_tell_the_scale_of_a_scaled_loss_only():
    taps, ear = Taps(), Ear()
    taps.add(ear)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    leaf = torch.ones(1, requires_grad=True)
    scaler.scale(leaf.sum()).backward()
    leaf.sum().backward()
    taps.remove(ear)
    assert ear.heard == [(8.0, 8.0), "after", (1.0, None), "after"]


@pytest.mark.parametrize(
    ("globs", "name", "found"),
    [
        ("*", "anything.at.all", True),
        ("conv*, !conv2", "conv1", True),
        ("conv*, !conv2", "conv2", False),
        (["!head"], "body", True),
        (["!head"], "head", False),
        ("encoder.*.fc?", "encoder.3.fc1", True),
        ("encoder.*.fc?", "encoder.3.fc10", False),
    ],
)
def test_globs(globs, name, found):
    assert Globs.of(globs).find(name) == found


def test_no_globs_at_all():
    with pytest.raises(UsageError, match="names no layer"):
        Globs.of([])
