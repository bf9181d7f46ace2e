"""Ghost, frozen and bare batch norm, weight standardisation and channels last."""

import copy
import pickle

import pytest
import torch
from safetensors.torch import load, save
from torch import nn
from torch.nn.utils import parametrize

from torchclinic.core import SurgeryError, UsageError
from torchclinic.nn import (
    ChannelsLast,
    FrozenBatchNorm,
    GhostBatchNorm1d,
    GhostBatchNorm2d,
    GhostBatchNorm3d,
    StatisticsOnlyBatchNorm1d,
    StatisticsOnlyBatchNorm2d,
    StatisticsOnlyBatchNorm3d,
    WeightStandardisation,
    WeightStandardisedConv1d,
    WeightStandardisedConv2d,
    WeightStandardisedConv3d,
    weight_standardise,
)

PLAIN = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
GHOST = {1: GhostBatchNorm1d, 2: GhostBatchNorm2d, 3: GhostBatchNorm3d}
BARE = {1: StatisticsOnlyBatchNorm1d, 2: StatisticsOnlyBatchNorm2d, 3: StatisticsOnlyBatchNorm3d}
CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
STANDARDISED = {
    1: WeightStandardisedConv1d,
    2: WeightStandardisedConv2d,
    3: WeightStandardisedConv3d,
}
LAYERS = {
    "ghost": lambda: GhostBatchNorm1d(4, ghost_size=3),
    "statistics only": lambda: StatisticsOnlyBatchNorm1d(4),
    "frozen": lambda: FrozenBatchNorm.of(trained_norm(1)),
    "channels last": lambda: ChannelsLast(nn.BatchNorm1d(7)),
    "standardised convolution": lambda: WeightStandardisedConv1d(4, 4, 3, padding=1),
}
dims = pytest.mark.parametrize("d", [1, 2, 3])
every_layer = pytest.mark.parametrize("name", LAYERS)


def images(d, rows=10, channels=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, channels, *[5] * d, generator=generator) * 2 + 3


def trained_norm(d, **options):
    norm = PLAIN[d](4, **options)
    for seed in range(3):
        norm(images(d, seed=seed))
    if norm.affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return norm


@every_layer
def test_gradients_states_and_compilation(name):
    torch.manual_seed(0)
    layer, x = LAYERS[name]().double(), torch.randn(7, 4, 7, dtype=torch.float64)
    other = copy.deepcopy(layer)
    for tensor in other.state_dict().values():
        tensor.zero_()
    other.load_state_dict(load(save(layer.state_dict())))
    assert torch.equal(other(x), layer(x))
    again = copy.deepcopy(layer)
    torch._dynamo.reset()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), again(x))
    frozen = copy.deepcopy(layer)
    for module in frozen.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.track_running_stats, module.running_mean, module.running_var = False, None, None
    assert torch.autograd.gradcheck(frozen, (x[:, :, :7].requires_grad_(),))


@dims
def test_each_ghost_is_normalised_as_a_batch_of_its_own(d):
    x, ghost, plain = images(d, rows=12), GHOST[d](4, ghost_size=4), PLAIN[d](4)
    expected = torch.cat([plain(part) for part in x.split(4)])
    torch.testing.assert_close(ghost(x), expected)
    torch.testing.assert_close(ghost.running_mean, plain.running_mean)
    torch.testing.assert_close(ghost.running_var, plain.running_var)
    assert ghost.num_batches_tracked == 3
    torch.testing.assert_close(ghost.eval()(x), plain.eval()(x))


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 9, 10, 11])
def test_any_batch_size_is_cut_into_parts_of_nearly_equal_size(rows):
    layer, x = GhostBatchNorm1d(4, ghost_size=4), images(1, rows)
    parts = -(-rows // 4)
    means = torch.stack([p.mean((0, 2)) for p in layer(x).tensor_split(parts)])
    assert means.abs().max() < 1e-5


def test_a_ghost_of_the_whole_batch_is_batch_norm():
    x = images(1)
    torch.testing.assert_close(GhostBatchNorm1d(4, ghost_size=64)(x), nn.BatchNorm1d(4)(x))
    with pytest.raises(UsageError, match="ghost_size is 0"):
        GhostBatchNorm1d(4, ghost_size=0)


@dims
def test_statistics_alone_have_nothing_to_learn_and_linearise_a_sigmoid(d):
    layer, x = BARE[d](4, momentum=0.3), images(d, rows=64)
    assert not list(layer.parameters())
    assert layer.momentum == 0.3
    y = layer(x)
    torch.testing.assert_close(y, PLAIN[d](4, affine=False)(x))
    slope = torch.sigmoid(y) * (1 - torch.sigmoid(y))
    assert slope.mean() > 0.2, "near the 1/4 of a sigmoid's middle"


@dims
@pytest.mark.parametrize("affine", [True, False])
def test_a_frozen_norm_is_the_norm_in_evaluation_mode_for_ever(d, affine):
    norm, x = trained_norm(d, affine=affine), images(d, seed=9)
    expected = norm.eval()(x)
    frozen = FrozenBatchNorm.of(norm)
    for mode in (True, False):
        torch.testing.assert_close(frozen.train(mode)(x), expected)
    assert not list(frozen.parameters())
    assert torch.equal(frozen.running_mean, norm.running_mean)
    assert set(norm.state_dict()) <= set(frozen.state_dict())


@dims
def test_a_frozen_norm_may_go_on_training_gamma_and_beta_and_thaws(d):
    norm, x = trained_norm(d), images(d)
    frozen = FrozenBatchNorm.of(norm, train_affine=True)
    assert frozen.weight is norm.weight
    frozen(x).sum().backward()
    assert frozen.bias.grad.abs().sum() > 0
    with torch.no_grad():
        frozen.bias += 1
    thawed = frozen.train().thawed()
    assert type(thawed) is PLAIN[d]
    assert thawed.training
    torch.testing.assert_close(thawed.eval()(x), frozen(x))


def test_frozen_norms_survive_copies_and_refuse_what_has_no_statistics():
    frozen, x = FrozenBatchNorm.of(trained_norm(1)), images(1)
    for twin in (copy.deepcopy(frozen), pickle.loads(pickle.dumps(frozen))):
        assert torch.equal(twin(x), frozen(x))
        assert twin.was_batch_norm
    with pytest.raises(SurgeryError, match="without running statistics"):
        FrozenBatchNorm.of(nn.BatchNorm1d(2, track_running_stats=False))
    with pytest.raises(SurgeryError, match="not made of a batch norm"):
        FrozenBatchNorm(2).thawed()


@dims
def test_a_standardised_weight_has_mean_0_and_variance_1_a_unit(d):
    torch.manual_seed(0)
    layer = STANDARDISED[d](3, 6, 3, bias=False)
    by_hand = CONV[d](3, 6, 3, bias=False)
    raw = layer.weight.detach()
    flat = raw.flatten(1)
    scaled = (flat - flat.mean(1, keepdim=True)) / (flat.var(1, correction=0) + 1e-5).sqrt()[
        :, None
    ]
    by_hand.weight.data = scaled.view_as(raw)
    x = torch.randn(2, 3, *[5] * d)
    torch.testing.assert_close(layer(x), by_hand(x))
    assert scaled.mean(1).abs().max() < 1e-5
    parametrised = CONV[d](3, 6, 3, bias=False)
    parametrised.weight.data = raw.clone()
    torch.testing.assert_close(weight_standardise(parametrised)(x), layer(x))


def test_standardising_a_model_twice_is_standardising_it_once():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.Linear(2, 2))
    for _ in range(2):
        weight_standardise(model)
    steps = [m for m in model.modules() if isinstance(m, WeightStandardisation)]
    assert len(steps) == 2
    assert not parametrize.is_parametrized(model[3])
    with pytest.raises(SurgeryError, match="no convolution"):
        weight_standardise(nn.Linear(2, 2))
    with pytest.raises(UsageError, match=r"\(4, 1, 1\)"):
        WeightStandardisedConv1d(1, 4, 1)(torch.ones(1, 1, 3))


def test_channels_last_is_a_transposition_around_the_norm():
    x = torch.randn(6, 5, 3)
    inner = nn.InstanceNorm1d(3)
    torch.testing.assert_close(ChannelsLast(inner)(x), inner(x.transpose(1, 2)).transpose(1, 2))
    outer = ChannelsLast(nn.RMSNorm(5), inwards=False)
    torch.testing.assert_close(outer(x), outer.norm(x.transpose(1, 2)).transpose(1, 2))
