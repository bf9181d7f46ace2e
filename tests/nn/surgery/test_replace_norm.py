"""Every norm replaced by every other, against norms put there by hand."""

import copy
import itertools

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from nn.surgery.models import (
    BATCH,
    INSTANCE,
    PreNorm,
    Residual2d,
    convolutional,
    dense,
    images,
    rows,
    tokens,
    wake,
)
from torchclinic.core import SurgeryError, UsageError
from torchclinic.nn import ChannelsLast, replace_norm
from torchclinic.nn.surgery import NORMS, norm_sites

OF_ACTIVATIONS = [name for name in NORMS if NORMS[name].build is not None]
OF_WEIGHTS = ["weight", "spectral"]
EVERY = list(NORMS)


def test_the_registry_has_the_norms_of_the_lectures():
    lectures = {"batch", "layer", "instance", "group", "rms", "weight", "spectral", "none"}
    assert lectures <= set(NORMS)
    assert all(kind.formula and kind.source for kind in NORMS.members())


def by_hand(to, channels, d):
    """The norm that belongs behind a convolution in d dimensions."""
    return {
        "batch": lambda: BATCH[d](channels),
        "ghost": lambda: BATCH[d](channels),
        "statistics": lambda: BATCH[d](channels, affine=False),
        "layer": lambda: nn.GroupNorm(1, channels),
        "instance": lambda: INSTANCE[d](channels, affine=True),
        "group": lambda: nn.GroupNorm(channels // 2, channels),
        "rms": RmsByHand,
        "none": nn.Identity,
    }[to]()


class RmsByHand(nn.Module):
    def forward(self, x):
        mean_square = x.square().mean(1, keepdim=True) + torch.finfo(x.dtype).eps
        return x / mean_square.sqrt()


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("to", [*OF_ACTIVATIONS, "none"])
def test_behind_convolutions_stands_what_one_would_write(d, to):
    x, model = images(d), convolutional(d)
    new = replace_norm(model, to, example=x)
    expected = copy.deepcopy(model)
    expected[1], expected[4] = by_hand(to, 8, d), by_hand(to, 4, d)
    torch.testing.assert_close(new(x), expected(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("before", "to"), [*itertools.product(OF_ACTIVATIONS, EVERY)])
def test_from_every_norm_to_every_norm_and_on(before, to):
    x = images(2)
    model = replace_norm(convolutional(2), before, example=x)
    there = replace_norm(model, to, example=x)
    direct = replace_norm(convolutional(2), to, example=x)
    kinds = [type(module) for module in there.modules()]
    if to not in OF_WEIGHTS and before != "statistics":
        assert kinds == [type(module) for module in direct.modules()]
    assert there(x).shape == model(x).shape
    there(x).sum().backward()


@pytest.mark.parametrize("to", EVERY)
def test_rows_sequences_and_blocks_with_shortcuts(to):
    for model, x in ((dense(), rows()), (Residual2d(), images(2))):
        if to == "instance" and x.dim() == 2:
            with pytest.raises(SurgeryError, match=r"'1' gets inputs of 2 dimensions"):
                replace_norm(model, to, example=x)
            continue
        assert replace_norm(model, to, example=x)(x).shape == model(x).shape
    x = tokens()
    if to in OF_WEIGHTS:
        with pytest.raises(SurgeryError, match="no single layer stands before 'norm'"):
            replace_norm(PreNorm(), to, example=x)
    else:
        assert replace_norm(PreNorm(), to, example=x)(x).shape == x.shape


def test_tokens_get_batch_norm_over_rows_and_times():
    x, model = tokens(), nn.Sequential(nn.LayerNorm(8))
    y = replace_norm(model, "batch", example=x)(x)
    assert y.mean((0, 1)).abs().max() < 1e-5
    torch.testing.assert_close(y.var((0, 1), correction=0), torch.ones(8), atol=1e-3, rtol=0)
    y = replace_norm(model, "instance", example=x)(x)
    assert y.mean(1).abs().max() < 1e-5
    back = replace_norm(replace_norm(model, "batch", example=x), "layer", example=x)
    assert isinstance(back[0], nn.LayerNorm)


@pytest.mark.parametrize("kind", OF_WEIGHTS)
@pytest.mark.parametrize("traced", [True, False])
def test_weight_and_spectral_norm_go_to_the_layer_before(kind, traced):
    x, model = images(2), Residual2d()
    new = replace_norm(model, kind, example=None if traced else x)
    for name in ("conv1", "conv2"):
        layer = new.get_submodule(name)
        assert layer.bias is not None, "beta has gone, so the layer needs a shift"
        if kind == "weight":
            torch.testing.assert_close(layer.weight, model.get_submodule(name).weight)
        else:
            largest = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
            assert largest.item() == pytest.approx(1.0, abs=0.1)
    assert not [m for m in new.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]


def test_from_weight_norm_to_others_and_off():
    model = nn.Sequential(weight_norm(nn.Linear(5, 4)), nn.Tanh(), spectral_norm(nn.Linear(4, 3)))
    plain = replace_norm(model.eval(), "none")
    x = rows()
    torch.testing.assert_close(plain(x), model(x))
    assert not [name for name in plain.state_dict() if "parametrizations" in name]
    batch = replace_norm(model, "batch", example=x)
    assert [type(m) for m in batch[0]] == [nn.Linear, ChannelsLast]
    assert batch.train()(x).shape == (6, 3)
    swapped = replace_norm(model, "spectral")
    assert torch.linalg.matrix_norm(swapped[0].weight, 2).item() == pytest.approx(1, abs=0.1)


def test_group_norm_of_one_group_is_layer_norm_and_of_each_channel_instance_norm():
    x, model = images(2), convolutional(2)
    torch.testing.assert_close(
        replace_norm(model, "group", groups=1)(x), replace_norm(model, "layer")(x)
    )
    one = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    torch.testing.assert_close(
        replace_norm(one, "group", groups=8)(x), replace_norm(one, "instance")(x)
    )


def test_scales_and_shifts_go_over_unless_one_says_no():
    x = images(2)
    model = wake(convolutional(2), x)
    carried = replace_norm(model, "group")
    torch.testing.assert_close(carried[1].weight, model[1].weight)
    torch.testing.assert_close(carried[4].bias, model[4].bias)
    fresh = replace_norm(model, "group", carry=False)
    assert torch.equal(fresh[1].weight, torch.ones(8))
    carried[1].weight.data.zero_()
    assert model[1].weight.abs().sum() > 0, "a copy shares no memory with the model"


@pytest.mark.parametrize("to", [name for name in OF_ACTIVATIONS if name != "statistics"])
def test_scales_and_shifts_are_there_as_before_or_as_one_says(to):
    x = images(2)
    bare = replace_norm(convolutional(2), "statistics")
    assert len(list(replace_norm(bare, to, example=x).parameters())) == 3
    full = replace_norm(bare, to, example=x, affine=True)
    assert len(list(full.parameters())) == (5 if to == "rms" else 7)
    assert len(list(replace_norm(full, to, example=x, affine=False).parameters())) == 3


def test_the_model_is_left_alone_unless_one_says_so():
    model = convolutional(2)
    before = copy.deepcopy(model.state_dict())
    assert replace_norm(model, "layer") is not model
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert replace_norm(model, "layer", inplace=True) is model
    assert isinstance(model[1], nn.GroupNorm)
    assert isinstance(replace_norm(nn.BatchNorm2d(4), "layer"), nn.GroupNorm)


def test_mode_type_and_sharing_are_kept():
    model = convolutional(2).double().eval()
    new = replace_norm(model, "batch")
    assert new[1].weight.dtype == torch.float64
    assert not new[1].training
    shared = nn.BatchNorm1d(4)
    twice = nn.Sequential(nn.Linear(4, 4), shared, nn.Linear(4, 4), shared)
    new = replace_norm(twice, "layer")
    assert new[1] is new[3]


def test_without_an_example_what_is_clear_is_done_and_what_is_not_is_asked_for():
    assert isinstance(replace_norm(dense(), "batch")[1], nn.BatchNorm1d)
    with pytest.raises(SurgeryError, match=r"'1' may get inputs of 2 or 3 dimensions.*example"):
        replace_norm(dense(), "instance")
    grouped = convolutional(2, lambda c: nn.GroupNorm(2, c))
    with pytest.raises(SurgeryError, match="2 or 3 or 4 or 5"):
        replace_norm(grouped, "batch")
    assert isinstance(replace_norm(grouped, "batch", example=images(2))[1], nn.BatchNorm2d)


def test_bad_arguments_are_refused_with_their_value_and_nothing_is_changed():
    with pytest.raises(UsageError, match=r"to is 'batchnorm'.*batch.*none.*spectral"):
        replace_norm(dense(), "batchnorm")
    model = convolutional(2)
    with pytest.raises(SurgeryError, match=r"groups is 3.*8 channels of '1'.*1, 2, 4, 8"):
        replace_norm(model, "group", groups=3, inplace=True)
    with pytest.raises(SurgeryError, match=r"groups is 8.*4 channels of '4'"):
        replace_norm(model, "group", groups=8, inplace=True)
    assert isinstance(model[1], nn.BatchNorm2d), "the first norm too is as it was"
    with pytest.raises(UsageError, match="groups is 0"):
        replace_norm(model, "group", groups=0)
    with pytest.raises(SurgeryError, match="Linear has no norm"):
        replace_norm(nn.Linear(2, 2), "layer")
    with pytest.raises(SurgeryError, match="forward pass raises"):
        replace_norm(model, "rms", example=rows())


def test_norms_that_torchs_own_blocks_look_into_are_refused():
    encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    with pytest.raises(SurgeryError, match="TransformerEncoderLayer"):
        replace_norm(nn.Sequential(encoder), "rms")


def test_sites_tell_channels_dimensions_and_where_the_channels_lie():
    model = nn.ModuleList(
        [
            nn.SyncBatchNorm(3),
            nn.InstanceNorm3d(4),
            nn.RMSNorm(5),
            nn.LayerNorm([6, 2, 2]),
            ChannelsLast(nn.BatchNorm1d(7)),
            ChannelsLast(nn.RMSNorm(8), inwards=False),
            nn.ReLU(),
        ]
    )
    found = [(s.name, s.channels, s.ranks, s.last) for s in norm_sites(model)]
    assert found == [
        ("0", 3, (2, 3, 4, 5), False),
        ("1", 4, (5,), False),
        ("2", 5, (2, 3), True),
        ("3", 6, (4,), False),
        ("4", 7, (2, 3), True),
        ("5", 8, (2, 3), False),
    ]
