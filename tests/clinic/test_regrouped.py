"""Views that mix axes, against many that split and merge them as they should."""

from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from torchclinic.clinic.preflight.wiring.regrouped import regroup_facts
from torchclinic.clinic.preflight.wiring.regrouping import regrouping
from torchclinic.core import Recipe, Splits

ROWS, STEPS, FEATURES, CLASSES = 40, 10, 6, 4
UNITS, HEADS = 16, 4


def facts(forward, x=None, y=None, loss=None, **parts):
    """What is found in a model with that forward and those parts."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            for name, part in parts.items():
                setattr(self, name, part)

        def forward(self, x):
            return forward(self, x)

    x = torch.randn(ROWS, STEPS, FEATURES) if x is None else x
    y = torch.randint(0, CLASSES, (len(x),)) if y is None else y
    recipe = Recipe(
        model=Net, loss=loss or nn.CrossEntropyLoss(), optimizer=torch.optim.SGD,
        data=Splits((x, y)), batch_size=8, epochs=1,
    )  # fmt: skip
    return regroup_facts(recipe, Net(), (x, y))


def gru(batch_first=True):
    return nn.GRU(FEATURES, UNITS, batch_first=batch_first)


def head(units=UNITS, classes=CLASSES):
    return nn.Linear(units, classes)


def channels_by_view(net, x):
    return net.head(net.conv(x.view(x.shape[0], x.shape[2], x.shape[1])).mean(2))


def channels_by_transpose(net, x):
    return net.head(net.conv(x.transpose(1, 2)).mean(2))


def time_first_by_view(net, x):
    return net.head(net.gru(x.view(x.shape[1], len(x), -1))[0][-1])


def time_first_by_transpose(net, x):
    return net.head(net.gru(x.transpose(0, 1))[0][-1])


def last_state_by_view(net, x):
    return net.head(net.gru(x)[1].view(len(x), -1))


def last_state_by_transpose(net, x):
    return net.head(net.gru(x)[1].transpose(0, 1).reshape(len(x), -1))


def heads_by_view(net, x):
    q = net.lift(x).view(len(x), HEADS, x.shape[1], UNITS // HEADS)
    mixed = (q @ q.transpose(2, 3)).softmax(-1) @ q
    return net.head(mixed.transpose(1, 2).flatten(2).mean(1))


def heads_not_put_back(net, x):
    q = net.lift(x).view(len(x), x.shape[1], HEADS, UNITS // HEADS).transpose(1, 2)
    mixed = (q @ q.transpose(2, 3)).softmax(-1) @ q
    return net.head(mixed.reshape(len(x), x.shape[1], UNITS).mean(1))


def heads_as_they_should_be(net, x):
    q = net.lift(x).view(len(x), x.shape[1], HEADS, UNITS // HEADS).transpose(1, 2)
    mixed = (q @ q.transpose(2, 3)).softmax(-1) @ q
    return net.head(mixed.transpose(1, 2).reshape(len(x), x.shape[1], UNITS).mean(1))


def every_step_split_wrongly(net, x):
    scores = net.head(x.reshape(-1, FEATURES))
    return scores.view(x.shape[1], len(x), CLASSES).mean(0)


def every_step_split_rightly(net, x):
    scores = net.head(x.reshape(-1, FEATURES))
    return scores.view(len(x), x.shape[1], CLASSES).mean(1)


def joined_and_split_wrongly(net, x):
    scores = torch.cat([net.head(step) for step in x.unbind(1)])
    return scores.view(len(x), x.shape[1], CLASSES).mean(1)


def joined_and_split_rightly(net, x):
    scores = torch.cat([net.head(step) for step in x.unbind(1)])
    return scores.view(x.shape[1], len(x), CLASSES).mean(0)


def samples_split_wrongly(net, x):
    many = net.head(x.mean(1).repeat(5, 1))
    return many.view(len(x), 5, CLASSES).mean(1)


def samples_split_rightly(net, x):
    many = net.head(x.mean(1).repeat_interleave(5, 0))
    return many.view(len(x), 5, CLASSES).mean(1)


@pytest.mark.parametrize(
    ("forward", "parts", "rows"),
    [
        (channels_by_view, {"conv": nn.Conv1d(FEATURES, UNITS, 3), "head": head()}, False),
        (time_first_by_view, {"gru": gru(False), "head": head()}, True),
        (last_state_by_view, {"gru": nn.GRU(FEATURES, 8, 2, batch_first=True), "head": head()}, 1),
        (heads_by_view, {"lift": nn.Linear(FEATURES, UNITS), "head": head()}, False),
        (heads_not_put_back, {"lift": nn.Linear(FEATURES, UNITS), "head": head()}, False),
        (every_step_split_wrongly, {"head": head(FEATURES)}, True),
        (joined_and_split_wrongly, {"head": head(FEATURES)}, True),
        (samples_split_wrongly, {"head": head(FEATURES)}, True),
    ],
)
def test_views_that_mix_are_found_with_their_line(forward, parts, rows):
    (found,) = facts(forward, **parts)
    assert found.line.startswith("test_regrouped.py:")
    assert "view(" in found.line or "reshape(" in found.line
    assert found.rows is bool(rows)


@pytest.mark.parametrize(
    ("forward", "parts"),
    [
        (channels_by_transpose, {"conv": nn.Conv1d(FEATURES, UNITS, 3), "head": head()}),
        (time_first_by_transpose, {"gru": gru(False), "head": head()}),
        (
            last_state_by_transpose,
            {"gru": nn.GRU(FEATURES, 8, 2, batch_first=True), "head": head()},
        ),
        (heads_as_they_should_be, {"lift": nn.Linear(FEATURES, UNITS), "head": head()}),
        (every_step_split_rightly, {"head": head(FEATURES)}),
        (joined_and_split_rightly, {"head": head(FEATURES)}),
        (samples_split_rightly, {"head": head(FEATURES)}),
    ],
)
def test_the_same_done_rightly_goes_unsaid(forward, parts):
    assert facts(forward, **parts) == ()


def pictures(*shape):
    return torch.randn(ROWS, *shape)


def frames_stacked(net, x):
    """Of (24 steps, 2 numbers) to (2, 24): twelve steps in one, by coincidence of sizes."""
    return net.head(x.reshape(len(x), 2, 24).flatten(1))


def channels_shuffled(net, x):
    n, c, h, w = x.shape
    return net.head(x.view(n, 3, c // 3, h, w).transpose(1, 2).reshape(n, c, h, w).mean((2, 3)))


def groups_normed(net, x):
    n, c, h, w = x.shape
    found = x.reshape(n, 3, -1)
    return net.head(((found - found.mean(2, keepdim=True)) / 2).view(n, c, h, w).mean((2, 3)))


def patches(net, x):
    n, c, h, w = x.shape
    cut = x.reshape(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 1, 3, 5)
    return net.head(cut.reshape(n, (h // 4) * (w // 4), c * 16).mean(1))


def depth_to_space(net, x):
    n, c, h, w = x.shape
    wide = x.view(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // 4, 2 * h, 2 * w)
    return net.head(wide.flatten(1))


def relative_shift(net, x):
    """Scores by distance, brought to scores by position: a pad and a view (Dai et al. 2019)."""
    scores = net.lift(x) @ net.lift(x).transpose(1, 2)
    n, q, k = scores.shape
    padded = F.pad(scores, (1, 0)).view(n, k + 1, q)
    return net.head((padded[:, 1:].reshape(n, q, k) @ net.lift(x)).mean(1))


def folded_rows(net, x):
    """Each channel on its own, as a row."""
    n, c, h, w = x.shape
    return net.head(x.reshape(n * c, 1, h, w).flatten(1)).view(n, c, -1).mean(1)


@pytest.mark.parametrize(
    ("forward", "shape", "units"),
    [
        (frames_stacked, (24, 2), 48),
        (channels_shuffled, (6, 8, 8), 6),
        (groups_normed, (6, 8, 8), 6),
        (patches, (3, 8, 8), 48),
        (depth_to_space, (8, 4, 4), 128),
        (folded_rows, (3, 8, 8), 64),
    ],
)
def test_views_that_split_and_merge_go_unsaid(forward, shape, units):
    assert facts(forward, pictures(*shape), head=head(units)) == ()


def test_a_skew_by_padding_is_meant():
    parts = {"lift": nn.Linear(FEATURES, UNITS), "head": head()}
    assert facts(relative_shift, **parts) == ()


def test_pictures_with_channels_last_are_not_viewed_into_shape():
    def by_view(net, x):
        return net.head(net.conv(x.view(-1, 3, 8, 8)).mean((2, 3)))

    def by_permute(net, x):
        return net.head(net.conv(x.permute(0, 3, 1, 2)).mean((2, 3)))

    found = partial(facts, x=pictures(8, 8, 3), conv=nn.Conv2d(3, UNITS, 3), head=head())
    assert [(f.was, f.now, f.rows) for f in found(by_view)] == [((8, 8, 3), (3, 8, 8), False)]
    assert found(by_permute) == ()


def test_scores_in_one_order_are_not_compared_with_targets_in_another():
    tags = torch.randint(0, CLASSES, (ROWS, STEPS))

    def scores(net, x):
        return net.head(net.gru(x.transpose(0, 1))[0])

    def crossed(scores, tags):
        return F.cross_entropy(scores.reshape(-1, CLASSES), tags.reshape(-1))

    def straight(scores, tags):
        return F.cross_entropy(scores.reshape(-1, CLASSES), tags.t().reshape(-1))

    found = partial(facts, scores, y=tags, gru=gru(False), head=head())
    assert [f.merged for f in found(loss=crossed)] == [True]
    assert found(loss=straight) == ()


sizes = st.lists(st.integers(2, 6), min_size=1, max_size=4).map(tuple)


@given(sizes, st.data())
def test_no_splitting_of_an_axis_or_merging_of_neighbours_is_called_mixing(shape, data):
    place = data.draw(st.integers(0, len(shape) - 1))
    split = (*shape[:place], 3, shape[place], *shape[place + 1 :])
    merged = (*shape[:place], 3 * shape[place], *shape[place + 1 :])
    assert regrouping(merged, split) is None
    assert regrouping(split, merged) is None


@given(st.sampled_from([5, 7, 11, 13]), st.sampled_from([17, 19, 23]), st.integers(1, 6))
def test_two_axes_without_a_common_divisor_cannot_be_exchanged_by_a_view(one, other, rest):
    found = regrouping((rest, one, other), (rest, other, one))
    assert found is not None
    assert found.kind == "swapped"
    assert found.certain
