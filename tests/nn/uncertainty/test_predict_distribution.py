"""Monte-Carlo dropout against loops of forward passes and against theory."""

import copy
import itertools
import math

import pytest
import torch
from scipy.stats import binom, ks_2samp
from torch import nn
from torch.nn import functional as F

from torchclinic.core import DataError, ModelError, UsageError
from torchclinic.nn import (
    DropBlock2d,
    DropConnectLinear,
    GaussianDropout,
    LockedDropout,
    StochasticDepth,
    predict_distribution,
)
from torchclinic.nn.uncertainty import dropout_like, only_dropout_training
from torchclinic.nn.uncertainty.cheap_dropout import CheapDropout

METHODS = ("nets", "batches", "repeat", "loop")


def net(features=6, classes=3, p=0.4):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(features, 16),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Dropout(p),
        nn.Linear(16, 16),
        nn.Tanh(),
        nn.AlphaDropout(p / 2),
        nn.Linear(16, classes),
    )


def inputs(rows=5, features=6, seed=1):
    return torch.randn(rows, features, generator=torch.Generator().manual_seed(seed))


def looped(model, x, samples, seed=0):
    """The obvious way."""
    model = copy.deepcopy(model).train()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
    torch.manual_seed(seed)
    with torch.no_grad():
        return torch.stack([model(x) for _ in range(samples)])


@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_each_way_of_drawing_gives_the_distribution_of_a_loop(method):
    model, x = net(), inputs()
    found = predict_distribution(
        model, x, 1500, task="regression", method=method, keep_draws=True, generator=4
    )
    expected = looped(model, x, 1500, seed=99)
    assert found.draws.shape == expected.shape
    worst = min(
        ks_2samp(found.draws[:, i, j].numpy(), expected[:, i, j].numpy()).pvalue
        for i, j in itertools.product(range(5), range(3))
    )
    assert worst > 1e-4
    torch.testing.assert_close(found.mean, expected.mean(0), atol=0.06, rtol=0)
    torch.testing.assert_close(found.std, expected.std(0), atol=0.05, rtol=0.1)


def test_the_statistics_are_those_of_the_draws():
    model, x = net(), inputs()
    levels = (0.1, 0.5, 0.9)
    found = predict_distribution(model, x, 200, levels, task="regression", keep_draws=True)
    torch.testing.assert_close(found.mean, found.draws.mean(0))
    torch.testing.assert_close(found.std, found.draws.std(0))
    exact = torch.quantile(found.draws, torch.tensor(levels), dim=0)
    torch.testing.assert_close(found.quantiles, exact)
    low, high = found.interval
    torch.testing.assert_close(torch.stack([low, high]), exact[[0, 2]])
    assert (found.entropy, found.mutual_information) == (None, None)


def test_entropy_and_information_of_classes_are_their_definitions():
    model, x = net(), inputs()
    found = predict_distribution(model, x, 300, keep_draws=True)
    p = found.draws.softmax(-1).double()
    mean = p.mean(0)
    entropy = -(mean * mean.log()).sum(-1)
    inner = -(p * p.log()).sum(-1).mean(0)
    torch.testing.assert_close(found.mean.double(), mean, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found.entropy.double(), entropy, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        found.mutual_information.double(), entropy - inner, atol=1e-5, rtol=1e-3
    )
    assert found.labels.tolist() == mean.argmax(-1).tolist()
    assert found.task == "classification"


@pytest.mark.parametrize("method", METHODS)
def test_a_single_dropout_has_the_variance_and_quantiles_of_its_binomial(method):
    model = nn.Sequential(nn.Dropout(0.3), nn.Linear(10, 1, bias=False))
    nn.init.ones_(model[1].weight)
    found = predict_distribution(
        model, torch.ones(2, 10), 3000, (0.05, 0.5, 0.95), method=method, generator=1
    )
    assert found.task == "regression"
    torch.testing.assert_close(found.mean, torch.full((2, 1), 10.0), atol=0.2, rtol=0)
    exact = math.sqrt(10 * 0.3 / 0.7)
    torch.testing.assert_close(found.std, torch.full((2, 1), exact), atol=0.1, rtol=0)
    quantiles = torch.tensor(binom(10, 0.7).ppf([0.05, 0.5, 0.95])).float() / 0.7
    assert (found.quantiles[:, 0, 0] - quantiles).abs().max() < 1.5


class Functional(nn.Module):
    def __init__(self, *, module):
        super().__init__()
        self.body = nn.Linear(6, 6)
        self.drop = nn.Dropout(0.5) if module else nn.Identity()

    def forward(self, x):
        return self.drop(F.dropout(self.body(x), 0.5, training=self.training))


def test_dropout_that_is_called_as_a_function_stays_off_and_is_named():
    found = predict_distribution(Functional(module=True), inputs(), 10)
    assert len(found.notes) == 1
    assert "the model" in found.notes[0]
    with pytest.raises(ModelError, match=r"no module that drops.*calls dropout as a function"):
        predict_distribution(nn.Sequential(Functional(module=False)), inputs(), 10)
    with pytest.raises(ModelError, match="Linear has no module that drops"):
        predict_distribution(nn.Linear(6, 2), inputs(), 10)


def images(rows=4):
    return torch.randn(rows, 3, 6, 6, generator=torch.Generator().manual_seed(0))


def sequences(rows=4):
    return torch.randn(rows, 5, 8, generator=torch.Generator().manual_seed(0))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 6, num_layers=2, dropout=0.5, batch_first=True)
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def pooled(*layers):
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(2))


CONV = {
    "DropBlock": lambda: pooled(nn.Conv2d(3, 4, 3), DropBlock2d(0.3, 2)),
    "Dropout2d": lambda: pooled(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Dropout2d(0.5)),
    "DropConnect": lambda: nn.Sequential(nn.Flatten(), DropConnectLinear(108, 2, p=0.5)),
    "depth by row": lambda: pooled(nn.Conv2d(3, 4, 3), StochasticDepth(0.5)),
    "depth by batch": lambda: pooled(nn.Conv2d(3, 4, 3), StochasticDepth(0.5, "batch")),
    "Gaussian": lambda: pooled(nn.Conv2d(3, 4, 3), GaussianDropout(0.5)),
    "in place": lambda: pooled(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Dropout(0.5, True)),
}
SEQUENCES = {
    "locked": lambda: pooled(nn.Linear(8, 4), LockedDropout(0.5)),
    "recurrent": Recurrent,
    "encoder": lambda: pooled(nn.TransformerEncoderLayer(8, 2, 16, 0.4, batch_first=True)),
    "attention": lambda: Attention(),  # noqa: PLW0108 - it is defined below
}


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0].mean(1)


@pytest.mark.parametrize("name", [*CONV, *SEQUENCES])
def test_every_kind_of_random_module_gives_the_spread_of_a_loop(name):
    torch.manual_seed(0)
    model, x = ({**CONV, **SEQUENCES}[name])(), images() if name in CONV else sequences()
    model.eval()(x)  # lazy layers
    found = predict_distribution(model, x, 400, task="regression", keep_draws=True, generator=2)
    expected = looped(model, x, 400, seed=5)
    assert found.std.min() > 0
    assert len(found.draws[:, 0].unique(dim=0)) > 1, "each sample has a mask of its own"
    torch.testing.assert_close(found.mean, expected.mean(0), atol=0.25, rtol=0.2)
    torch.testing.assert_close(found.std.mean(), expected.std(0).mean(), rtol=0.2, atol=0)


@pytest.mark.parametrize(
    ("make", "x", "method"),
    [
        (net, inputs(), "nets"),
        (net, inputs(1), "batches"),
        (Recurrent, sequences(), "repeat"),
        (lambda: nn.Sequential(nn.BatchNorm1d(6, track_running_stats=False), net()), inputs(),
         "batches"),
        (lambda: nn.Sequential(DropConnectLinear(8, 8), Recurrent()), sequences(), "loop"),
    ],
)  # fmt: skip
def test_the_way_that_suits_is_chosen(make, x, method):
    assert predict_distribution(make(), x, 20).method == method


def test_ways_that_would_draw_one_mask_for_many_samples_are_refused():
    for method in ("nets", "batches"):
        with pytest.raises(UsageError, match="share the mask inside 'lstm'"):
            predict_distribution(Recurrent(), sequences(), 10, method=method)
    model = nn.Sequential(DropConnectLinear(6, 2))
    with pytest.raises(UsageError, match="share the mask of '0'"):
        predict_distribution(model, inputs(), 10, method="repeat")


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_model_and_generators_are_afterwards_as_before_whatever_happens(error):
    model, x = net().train(), inputs()
    model[4].eval()
    model[0].weight.grad = torch.ones_like(model[0].weight)
    state = copy.deepcopy(model.state_dict())
    modes = [m.training for m in model.modules()]
    generator = torch.get_rng_state()

    def interrupt(module, _inputs, _output):
        if model[3].training and error is not None:
            raise error("stop")

    handle = model[7].register_forward_hook(interrupt)
    if error is None:
        predict_distribution(model, x, 50)
    else:
        with pytest.raises(error):
            predict_distribution(model, x, 50)
    handle.remove()
    assert [m.training for m in model.modules()] == modes
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert torch.equal(model[0].weight.grad, torch.ones_like(model[0].weight))
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_seed_gives_the_same_numbers_and_a_generator_goes_on():
    model, x = net(), inputs()
    first = predict_distribution(model, x, 50, generator=7)
    torch.rand(3)
    assert torch.equal(predict_distribution(model, x, 50, generator=7).mean, first.mean)
    assert not torch.equal(predict_distribution(model, x, 50, generator=8).mean, first.mean)
    stream = torch.Generator().manual_seed(1)
    a, b = (predict_distribution(model, x, 50, generator=stream).mean for _ in range(2))
    assert not torch.equal(a, b)
    stream.manual_seed(1)
    assert torch.equal(predict_distribution(model, x, 50, generator=stream).mean, a)


def test_memory_is_bounded_by_blocks_of_rows_that_see_the_same_nets(monkeypatch):
    from torchclinic.nn.uncertainty import extent

    model, x = net(), inputs(37)
    whole = predict_distribution(model, x, 40, chunk=8, keep_draws=True)
    monkeypatch.setattr(extent, "DRAWS_AT_ONCE", 40 * 3 * 4 * 10)
    seen = []
    handle = model.register_forward_hook(lambda _m, _i, output: seen.append(output.shape))
    blocks = predict_distribution(model, x, 40, chunk=8, keep_draws=True)
    handle.remove()
    assert len(seen) > 4 * 5
    torch.testing.assert_close(blocks.draws, whole.draws)
    torch.testing.assert_close(blocks.quantiles, whole.quantiles)
    assert torch.equal(blocks.ranking(), whole.ranking())


@pytest.mark.parametrize("chunk", [1, 7, 40, 1000])
def test_chunks_of_any_size_make_all_the_draws(chunk):
    found = predict_distribution(net(), inputs(), 40, chunk=chunk, keep_draws=True)
    assert found.draws.shape == (40, 5, 3)
    assert len(found.draws[:, 0].unique(dim=0)) == 40


def test_rows_unlike_the_training_data_come_first_in_the_ranking():
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 64).unsqueeze(1)
    model = nn.Sequential(
        nn.Linear(1, 64), nn.Tanh(), nn.Dropout(0.1), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(64, 1),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(200):
        optimizer.zero_grad()
        F.mse_loss(model(x), x**3).backward()
        optimizer.step()
    places = torch.tensor([[0.0], [0.2], [-4.0], [5.0], [-0.3]])
    found = predict_distribution(model, places, 300)
    assert set(found.ranking()[:2].tolist()) == {2, 3}
    assert torch.equal(found.ranking("std"), found.ranking())
    with pytest.raises(UsageError, match="ranked by 'std' alone"):
        found.ranking("entropy")
    with pytest.raises(UsageError, match=r"by is 'variance'.*mutual_information"):
        found.ranking("variance")


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions(dtype):
    found = predict_distribution(net().to(dtype), inputs().to(dtype), 30)
    assert found.mean.dtype == (dtype if dtype == torch.float64 else torch.float32)
    assert bool(found.mean.isfinite().all())


def test_under_autocast():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = predict_distribution(net(), inputs(), 30)
    assert found.mean.dtype == torch.float32


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = net(6)

    def forward(self, left, right):
        return {"features": left, "logits": self.body(left + right)}


def test_several_inputs_and_outputs():
    x = inputs()
    by_place = predict_distribution(TwoInputs(), (x, 0 * x), 30)
    by_name = predict_distribution(TwoInputs(), {"right": 0 * x, "left": x}, 30)
    assert torch.equal(by_place.mean, by_name.mean)
    assert by_place.mean.shape == (5, 3)


@pytest.mark.parametrize(
    ("last", "task"),
    [
        (nn.Identity(), "classification"),
        (nn.LogSoftmax(1), "classification"),
        (nn.Softmax(1), "probabilities"),
    ],
)
def test_scores_log_probabilities_and_probabilities_say_the_same(last, task):
    plain = predict_distribution(net(), inputs(), 60)
    found = predict_distribution(nn.Sequential(net(), last), inputs(), 60)
    assert found.task == task
    torch.testing.assert_close(found.mean, plain.mean, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        found.mutual_information, plain.mutual_information, atol=1e-5, rtol=1e-3
    )


def test_one_score_of_two_classes_is_two_scores():
    torch.manual_seed(0)
    one = net(classes=1)
    pair = nn.Sequential(one, nn.ZeroPad1d((1, 0)))
    binary = predict_distribution(one, inputs(), 60, task="binary")
    double = predict_distribution(pair, inputs(), 60)
    torch.testing.assert_close(binary.mean[:, 0], double.mean[:, 1])
    torch.testing.assert_close(binary.entropy[:, 0], double.entropy, atol=1e-5, rtol=1e-4)
    assert binary.labels[:, 0].tolist() == double.labels.tolist()
    assert torch.equal(binary.ranking(), double.ranking())


def test_classes_at_many_positions():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Dropout(0.5), nn.Conv2d(4, 5, 1))
    found = predict_distribution(model, images(), 20)
    assert found.mean.shape == (4, 5, 6, 6)
    assert found.entropy.shape == found.labels.shape == (4, 6, 6)
    assert found.score().shape == (4,)


def test_bad_arguments_are_refused_with_their_value():
    model, x = net(), inputs()
    with pytest.raises(UsageError, match="samples is 0"):
        predict_distribution(model, x, 0)
    with pytest.raises(UsageError, match=r"a quantile is 1\.5"):
        predict_distribution(model, x, 10, (0.1, 1.5))
    with pytest.raises(UsageError, match=r"quantiles is \(0\.9, 0\.1\)"):
        predict_distribution(model, x, 10, (0.9, 0.1))
    with pytest.raises(UsageError, match=r"task is 'ranking'.*regression"):
        predict_distribution(model, x, 10, task="ranking")
    with pytest.raises(UsageError, match=r"method is 'fast'.*nets"):
        predict_distribution(model, x, 10, method="fast")
    with pytest.raises(UsageError, match="chunk is 0"):
        predict_distribution(model, x, 10, chunk=0)
    with pytest.raises(DataError, match=r"\(0, 6\)"):
        predict_distribution(model, x[:0], 10)
    with pytest.raises(DataError, match=r"\(5, 6\), \(4, 6\)"):
        predict_distribution(TwoInputs(), (x, x[:4]), 10)
    with pytest.raises(ModelError, match="task is 'classification'"):
        predict_distribution(net(classes=1), x, 10, task="classification")
    with pytest.raises(ModelError, match=r"has shape \(\)"):
        predict_distribution(nn.Sequential(net(), nn.Flatten(0), Total()), x, 10)
    with pytest.raises(UsageError, match="no labels"):
        _ = predict_distribution(model, x, 10, task="regression").labels


class Total(nn.Module):
    def forward(self, x):
        return x.sum()


def test_only_what_drops_is_switched_on():
    model = nn.Sequential(net(), Recurrent(), nn.GRU(2, 2), nn.MultiheadAttention(4, 2)).train()
    names = set(dropout_like(model))
    assert names == {"0.3", "0.6", "1.lstm"}
    with only_dropout_training(model):
        assert {name for name, module in model.named_modules() if module.training} == names
    assert all(module.training for module in model.modules())


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("inplace", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_dropout_with_cheaper_masks_is_torchs_in_distribution(p, inplace, training):
    layer = nn.Dropout(p, inplace).train(training)
    torch.manual_seed(0)
    with CheapDropout():
        ours = layer(torch.ones(100_000))
    theirs = layer(torch.ones(100_000))
    kept = [(y > 0).float().mean().item() for y in (ours, theirs)]
    assert kept[0] == pytest.approx(kept[1], abs=0.01)
    assert ours.max().item() == pytest.approx(theirs.max().item(), rel=1e-4)


def test_a_compiled_model_can_be_asked_too():
    model = torch.compile(net(), backend="eager")
    torch.testing.assert_close(
        predict_distribution(model, inputs(), 400).mean,
        predict_distribution(net(), inputs(), 400, generator=3).mean,
        atol=0.05,
        rtol=0,
    )
