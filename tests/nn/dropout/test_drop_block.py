"""DropBlock against loops over corners, the paper's formula and its exact expectation."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from torchclinic.core import SurgeryError, UsageError
from torchclinic.nn import DropBlock1d, DropBlock2d, DropBlock3d, DropBlockSchedule
from torchclinic.nn.dropout import block_mask, block_rate, expected_drop

KINDS = {1: DropBlock1d, 2: DropBlock2d, 3: DropBlock3d}


def spread_by_loops(corners, block, size):
    """The blocks that begin at the corners."""
    mask = torch.zeros((*corners.shape[: -len(block)], *size), dtype=torch.uint8)
    for place in corners.nonzero().tolist():
        lead, corner = place[: -len(block)], place[-len(block) :]
        span = [slice(c, c + b) for c, b in zip(corner, block, strict=True)]
        mask[(*lead, *span)] = 1
    return mask


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 8), st.integers(1, 5)), min_size=1, max_size=3),
    st.integers(0, 10_000),
    st.floats(0.05, 0.6),
)
def test_blocks_are_those_of_a_loop_over_corners(sides, seed, p):
    size = [max(extent, side) for extent, side in sides]
    block = [side for _, side in sides]
    lead = (2, 3)
    torch.manual_seed(seed)
    found = block_mask(torch.empty(*lead, *size), p, block)
    torch.manual_seed(seed)
    places = [s - b + 1 for s, b in zip(size, block, strict=True)]
    corners = torch.rand((*lead, *places)) < block_rate(p, block, size)
    assert torch.equal(found, spread_by_loops(corners, block, size))


@pytest.mark.parametrize(
    ("p", "block", "size"), [(0.1, (7, 7), (14, 14)), (0.3, (3,), (10,)), (0.2, (2, 4), (9, 5))]
)
def test_the_rate_is_the_papers_and_the_share_its_expectation(p, block, size):
    places = math.prod(s - b + 1 for s, b in zip(size, block, strict=True))
    gamma = block_rate(p, block, size)
    assert gamma == pytest.approx(p / math.prod(block) * math.prod(size) / places)
    covering = [
        math.prod(
            sum(0 <= x - start < b for start in range(s - b + 1))
            for x, s, b in zip(place, size, block, strict=True)
        )
        for place in itertools.product(*map(range, size))
    ]
    exact = sum(1 - (1 - gamma) ** n for n in covering) / len(covering)
    assert expected_drop(p, block, size) == pytest.approx(exact)
    torch.manual_seed(0)
    share = block_mask(torch.empty(4000, 3, *size), p, block).float().mean().item()
    assert share == pytest.approx(exact, abs=0.01)


def test_a_block_of_1_is_dropout_of_elements():
    torch.manual_seed(0)
    y = DropBlock2d(0.25, 1)(torch.ones(50, 4, 20, 20))
    assert (y == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert expected_drop(0.25, (1, 1), (20, 20)) == pytest.approx(0.25)


@pytest.mark.parametrize("dims", KINDS)
def test_what_is_left_is_scaled_to_the_whole(dims):
    torch.manual_seed(0)
    x = torch.ones(6, 4, *[8] * dims, dtype=torch.float64)
    y = KINDS[dims](0.2, 3)(x)
    assert y.mean().item() == pytest.approx(1.0)
    assert len(set(y.flatten().tolist())) == 2


@pytest.mark.parametrize("dims", KINDS)
@pytest.mark.parametrize("block", [1, 2, 4, 5])
def test_zeros_come_in_blocks_of_even_and_odd_size(dims, block):
    torch.manual_seed(3)
    layer = KINDS[dims](0.05, block)
    zeros = layer(torch.ones(8, 2, *[11] * dims)) == 0
    assert bool(zeros.any())
    pool = {1: nn.functional.max_pool1d, 2: nn.functional.max_pool2d, 3: nn.functional.max_pool3d}
    whole = -pool[dims](-zeros.float(), block, stride=1)  # 1 where all of a window is zero
    back = {1: nn.functional.conv_transpose1d, 2: nn.functional.conv_transpose2d}
    spread = back.get(dims, nn.functional.conv_transpose3d)
    window = torch.ones(2, 1, *[block] * dims)
    covered = spread(whole, window, groups=2) > 0
    assert torch.equal(covered, zeros)


def test_blocks_longer_than_the_map_take_its_length():
    torch.manual_seed(0)
    y = DropBlock2d(0.4, 7)(torch.ones(200, 1, 3, 9))
    columns = (y == 0).float().mean((1, 2))
    assert set(columns.flatten().tolist()) <= {0.0, 1.0}
    assert 0.2 < (y == 0).float().mean().item() < 0.4


def test_channels_and_rows_have_blocks_of_their_own():
    torch.manual_seed(0)
    zeros = DropBlock1d(0.3, 4)(torch.ones(3, 5, 40)) == 0
    assert len({tuple(line.tolist()) for line in zeros.flatten(0, 1)}) > 10


def test_the_schedule_is_linear_and_goes_on_from_its_state():
    model = nn.Sequential(DropBlock2d(0.2), nn.ReLU(), DropBlock2d(0.4))
    schedule = DropBlockSchedule(model, steps=4, start=0.1)
    seen = [(model[0].p, model[2].p)]
    for _ in range(5):
        schedule.step()
        seen.append((model[0].p, model[2].p))
    golden = [(0.1, 0.1), (0.125, 0.175), (0.15, 0.25), (0.175, 0.325), (0.2, 0.4), (0.2, 0.4)]
    assert seen == [pytest.approx(pair) for pair in golden]
    other = nn.Sequential(DropBlock2d(0.2), DropBlock2d(0.4))
    resumed = DropBlockSchedule(other, steps=4, start=0.1)
    resumed.load_state_dict({**schedule.state_dict(), "done": 2})
    assert (other[0].p, other[1].p) == pytest.approx((0.15, 0.25))
    with pytest.raises(UsageError, match="rates for 2"):
        DropBlockSchedule(nn.Sequential(DropBlock2d()), 3).load_state_dict(schedule.state_dict())


def test_bad_arguments_are_refused_with_their_value():
    with pytest.raises(UsageError, match="block_size is 0"):
        DropBlock2d(0.1, 0)
    with pytest.raises(UsageError, match=r"block_size is 2\.5"):
        DropBlock2d(0.1, 2.5)
    with pytest.raises(UsageError, match=r"\(3, 4\)"):
        DropBlock2d(0.1)(torch.ones(3, 4))
    with pytest.raises(SurgeryError, match="no DropBlock"):
        DropBlockSchedule(nn.ReLU(), 3)
    with pytest.raises(UsageError, match="steps is 0"):
        DropBlockSchedule(DropBlock2d(), 0)
