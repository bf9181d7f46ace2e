"""Batch norm folded, measured anew and frozen."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval
from torch.nn.utils.parametrizations import weight_norm

from nn.surgery.models import CONV, Residual2d, convolutional, dense, images, rows, wake
from torchclinic.core import DataError, SurgeryError, UsageError
from torchclinic.nn import (
    DropConnectLinear,
    FrozenBatchNorm,
    GhostBatchNorm1d,
    fold_batch_norm,
    freeze_batch_norm,
    reestimate_batch_norm,
    unfreeze_batch_norm,
)

TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
BATCH = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
looked_at = pytest.mark.parametrize("traced", [True, False])


def folds(model, x, traced, norms):
    """The folded model, which computes the same to 1e-6 with so many norms fewer."""
    folded = fold_batch_norm(model, None if traced else x)
    scale = model(x).abs().max().clamp(min=1)
    assert ((folded(x) - model(x)).abs() / scale).max() < 1e-6
    left = [m for m in folded.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    before = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    assert len(before) - len(left) == norms
    return folded


@looked_at
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("kinds", [CONV, TRANSPOSED])
@pytest.mark.parametrize("bias", [True, False])
def test_convolutions_of_all_kinds(d, groups, kinds, bias, traced):
    layer = kinds[d](4, 8, 3, stride=2, padding=1, groups=groups, bias=bias)
    model, x = nn.Sequential(layer, BATCH[d](8), nn.ReLU()).double(), torch.randn(3, 4, *[5] * d)
    folds(wake(model, x.double()), x.double(), traced, 1)


@looked_at
def test_dense_nets_and_blocks_with_shortcuts(traced):
    folds(wake(dense().double(), rows().double()), rows().double(), traced, 1)
    folds(wake(Residual2d().double(), images(2).double()), images(2).double(), traced, 3)


def test_in_single_precision_too():
    x = images(2)
    model = wake(Residual2d(), x)
    folded = fold_batch_norm(model, x)
    torch.testing.assert_close(folded(x), model(x), atol=1e-5, rtol=1e-5)


def test_it_is_what_torchs_fusion_computes():
    x = images(2)
    conv, norm = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)
    model = wake(nn.Sequential(conv, norm), x)
    theirs = fuse_conv_bn_eval(model[0], model[1])
    torch.testing.assert_close(fold_batch_norm(model)[0].weight, theirs.weight)
    model = wake(nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4)), rows())
    theirs = fuse_linear_bn_eval(model[0], model[1])
    torch.testing.assert_close(fold_batch_norm(model)[0].bias, theirs.bias)


@looked_at
def test_frozen_ghost_and_bare_norms_and_parametrised_layers(traced):
    x = rows().double()
    model = nn.Sequential(
        weight_norm(nn.Linear(5, 4)),
        nn.BatchNorm1d(4, affine=False),
        nn.Linear(4, 3),
        nn.BatchNorm1d(3),
    ).double()
    model = wake(model, x)
    folded = folds(model, x, traced, 2)
    assert not [name for name in folded.state_dict() if "parametrizations" in name]
    frozen = freeze_batch_norm(copy.deepcopy(model))
    assert ((fold_batch_norm(frozen, x)(x) - model(x)).abs()).max() < 1e-6
    ghost = wake(nn.Sequential(nn.Linear(5, 4), GhostBatchNorm1d(4, ghost_size=2)).double(), x)
    folds(ghost, x, False, 1)


class Apart(nn.Module):
    """Norms that must stay: of an input, behind an activation, of a value that is used twice."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = (nn.BatchNorm1d(5) for _ in range(3))
        self.a, self.b, self.c = (nn.Linear(5, 5) for _ in range(3))
        self.good = nn.BatchNorm1d(5)

    def forward(self, x):
        x = self.second(self.a(self.first(x)).relu())
        y = self.b(x)
        return self.good(self.c(self.third(y) + y))


@looked_at
def test_norms_that_do_not_directly_follow_a_layer_of_their_own_stay(traced):
    folds(wake(Apart().double(), rows().double()), rows().double(), traced, 1)


@looked_at
def test_shared_layers_shared_weights_and_shared_norms_stay(traced):
    layer, norm = nn.Linear(5, 5), nn.BatchNorm1d(5)
    tied = nn.Linear(5, 5)
    tied.weight = layer.weight
    for model in (
        nn.Sequential(layer, nn.BatchNorm1d(5), layer, nn.BatchNorm1d(5)),
        nn.Sequential(layer, nn.BatchNorm1d(5), tied),
        nn.Sequential(nn.Linear(5, 5), norm, nn.Linear(5, 5), norm),
    ):
        with pytest.raises(SurgeryError, match=r"none of the batch norms .*'1'"):
            fold_batch_norm(model, None if traced else rows())


def test_a_copy_is_folded_in_evaluation_mode_unless_one_says_so():
    model = wake(dense(), rows()).train()
    before = copy.deepcopy(model.state_dict())
    folded = fold_batch_norm(model)
    assert model.training
    assert not any(module.training for module in folded.modules())
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert fold_batch_norm(model, inplace=True) is model
    assert isinstance(model[1], nn.Identity)


def test_what_cannot_be_folded_says_why():
    with pytest.raises(SurgeryError, match="no batch norm"):
        fold_batch_norm(nn.Linear(2, 2))
    with pytest.raises(SurgeryError, match="no batch norm with running statistics"):
        fold_batch_norm(
            nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, track_running_stats=False))
        )

    class Branching(nn.Sequential):
        def forward(self, x):
            return super().forward(x) if x.sum() > 0 else x

    with pytest.raises(SurgeryError, match="give a batch of inputs as example"):
        fold_batch_norm(Branching(nn.Linear(5, 5), nn.BatchNorm1d(5)))
    assert fold_batch_norm(Branching(nn.Linear(5, 5), nn.BatchNorm1d(5)), rows().abs())


def test_statistics_are_plain_means_over_the_batches():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 4), nn.Dropout(0.9), nn.BatchNorm1d(4, momentum=0.2))
    batches = [(rows(seed), torch.zeros(6)) for seed in range(5)]
    hidden = torch.stack([model[0](x) for x, _ in batches])
    assert reestimate_batch_norm(model, batches) == 5
    torch.testing.assert_close(model[2].running_mean, hidden.mean((0, 1)))
    torch.testing.assert_close(model[2].running_var, hidden.var(1).mean(0))
    assert model[2].momentum == 0.2
    assert model.training


def test_it_is_what_torchs_update_bn_does_where_nothing_drops():
    batches = [images(2, seed) for seed in range(4)]
    ours = convolutional(2)
    theirs = copy.deepcopy(ours)
    reestimate_batch_norm(ours, batches)
    torch.optim.swa_utils.update_bn(batches, theirs)
    for key, value in ours.state_dict().items():
        torch.testing.assert_close(value, theirs.state_dict()[key])


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_happens_modes_momenta_and_statistics_are_as_before(error):
    model = wake(dense(), rows()).train()
    model[2].eval()
    before = copy.deepcopy(model.state_dict())

    def batches():
        yield rows(3)
        raise error("stop")

    with pytest.raises(error):
        reestimate_batch_norm(model, batches())
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert [m.training for m in model] == [True, True, False, True]
    assert model[1].momentum == 0.1


def test_without_batches_or_norms_or_a_way_to_call_it_says_so():
    with pytest.raises(DataError, match="no batches"):
        reestimate_batch_norm(dense(), [])
    with pytest.raises(SurgeryError, match="no batch norm"):
        reestimate_batch_norm(nn.Linear(2, 2), [])
    with pytest.raises(UsageError, match="mapping of x"):
        reestimate_batch_norm(dense(), [{"x": rows()}])
    assert reestimate_batch_norm(dense(), [{"x": rows()}], forward=lambda m, b: m(b["x"])) == 1


def test_a_frozen_model_trains_without_touching_its_statistics():
    x = images(2)
    model = wake(convolutional(2), x)
    expected = model(x)
    frozen = freeze_batch_norm(model)
    assert frozen is model
    torch.testing.assert_close(model.train()(x), expected)
    assert [type(m) for m in model].count(FrozenBatchNorm) == 2
    assert len(list(model.parameters())) == 3
    thawed = unfreeze_batch_norm(model)
    torch.testing.assert_close(thawed.eval()(x), expected)
    assert isinstance(model[1], nn.BatchNorm2d)
    assert len(list(model.parameters())) == 7


def test_freezing_what_has_no_norm_says_so():
    with pytest.raises(SurgeryError, match="no batch norm to freeze"):
        freeze_batch_norm(nn.Linear(2, 2))
    with pytest.raises(SurgeryError, match="no frozen batch norm"):
        unfreeze_batch_norm(nn.BatchNorm1d(2))
    assert isinstance(freeze_batch_norm(nn.BatchNorm1d(2)), FrozenBatchNorm)


def test_a_layer_that_drops_weights_can_be_folded_into():
    x = rows().double()
    model = nn.Sequential(DropConnectLinear(5, 4, p=0.5), nn.BatchNorm1d(4)).double()
    model = wake(model, x)
    folded = fold_batch_norm(model, x)
    assert ((folded(x) - model(x)).abs()).max() < 1e-6
