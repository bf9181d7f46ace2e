"""EMA and SWA against averages by hand, torch's AveragedModel, and runs that were killed."""

import copy
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn, optim
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from torchclinic.core import Averaging, EarlyStopping, Recipe, RecipeError
from torchclinic.data import batches
from torchclinic.training import first_weights, train
from torchclinic.training.averaging import WeightAverages, build_averages, measure_batch_norm
from torchclinic.training.objective import Objective
from torchclinic.training.plan import Length
from training.parts import plain_net, recipe, rich_net, rows, same_weights, split_recipe
from training.test_resume import check_resume

EMA, SWA = Averaging("ema", decay=0.8), Averaging("swa", start=0.0, every=1)


def trajectory(made, seed=0):
    """Weights after each update of the recipe without averaging."""
    seen = []
    whole = made.replace(averaging=None)
    total = train(whole, seed).history.losses
    for steps in range(1, len(total) + 1):
        model = train(whole, seed, max_steps=steps, keep_model=True).model
        seen.append({k: v.double() for k, v in model.state_dict().items()})
    return seen


@pytest.mark.parametrize("averaging", [EMA, SWA], ids=lambda a: a.kind)
def test_the_run_ends_with_the_average_of_its_weights(averaging):
    made = recipe(averaging=averaging, steps=12)
    ended = train(made, keep_model=True).model.state_dict()
    weights = trajectory(made)
    for name, value in ended.items():
        by_hand = weights[0][name]
        for i, step in enumerate(weights[1:], 2):
            share = 0.2 if averaging.kind == "ema" else 1 / i
            by_hand = (1 - share) * by_hand + share * step[name]
        torch.testing.assert_close(value.double(), by_hand, atol=1e-6, rtol=1e-5)


def test_torchs_averaged_model_agrees():
    made = recipe(averaging=Averaging("ema", decay=0.9), model=plain_net, steps=20)
    net = made.model()
    averaged = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    own = WeightAverages(net, made.averaging)
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    for x, y in batches(rows(), batch_size=16).epoch():
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
        averaged.update_parameters(net)
        own.update()
    with own.applied():
        assert same_weights(averaged.module, net)


def test_the_last_quarter_of_the_epochs_enters_swa():
    made = recipe(averaging=Averaging("swa"), epochs=8)  # 5 updates an epoch
    ended = train(made, keep_model=True).model.state_dict()
    weights = trajectory(made)
    for name, value in ended.items():
        mean = (weights[34][name] + weights[39][name]) / 2
        torch.testing.assert_close(value.double(), mean, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("averaging", [EMA, SWA], ids=lambda a: a.kind)
def test_averaging_leaves_the_training_itself_alone(averaging):
    made = split_recipe(model=rich_net)
    plain, averaged = train(made), train(made.replace(averaging=averaging))
    assert averaged.history.losses == plain.history.losses
    assert averaged.history.evaluations != plain.history.evaluations


def test_evaluations_see_the_averaged_weights():
    made = split_recipe(averaging=EMA, steps=15)
    run = train(made, test=True, keep_model=True)
    x, y = made.splits.validation
    with torch.no_grad():
        expected = float(nn.functional.cross_entropy(run.model(x), y))
    assert run.history.last("validation").loss == pytest.approx(expected, rel=1e-6)
    x, y = made.splits.test
    with torch.no_grad():
        expected = float(nn.functional.cross_entropy(run.model(x), y))
    assert run.history.last("test").loss == pytest.approx(expected, rel=1e-6)


def test_before_the_start_the_own_weights_are_judged():
    late = split_recipe(averaging=Averaging("ema", start=0.9), epochs=6)
    plain, averaged = train(late.replace(averaging=None)), train(late)
    ours, theirs = averaged.history.evaluations, plain.history.evaluations
    early = [e for e in theirs if e.step <= 0.9 * 30]
    assert early
    assert [e for e in ours if e.step <= 0.9 * 30] == early


def norm_net():
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def test_batch_norm_is_measured_for_the_averaged_weights():
    made = recipe(averaging=EMA, model=norm_net, steps=30, batch_size=10)
    net = train(made, keep_model=True).model
    x, _ = made.data
    hidden = net[0](x).detach()  # all 70 rows fit into one batch of the evaluation
    torch.testing.assert_close(net[1].running_mean, hidden.mean(0))
    torch.testing.assert_close(net[1].running_var, hidden.var(0))
    own = train(made.replace(averaging=Averaging("ema", 0.8, batch_norm=False)), keep_model=True)
    plain = train(made.replace(averaging=None), keep_model=True)
    assert torch.equal(own.model[1].running_mean, plain.model[1].running_mean)
    assert not torch.equal(own.model[0].weight, plain.model[0].weight)


def test_measuring_agrees_with_torchs_update_bn():
    made = recipe(model=norm_net)
    ours = made.model()
    theirs = copy.deepcopy(ours)
    loader = [(x, y) for x, y in batches(rows(60), batch_size=20).epoch()]
    update_bn(loader, theirs)
    measure_batch_norm(Objective(made, ours), loader)
    assert same_weights(ours, theirs)
    assert ours[1].momentum == 0.1
    assert ours.training


def test_measuring_keeps_dropout_off_and_frozen_layers_as_they_are():
    net = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(5), nn.BatchNorm1d(5).eval())
    frozen = copy.deepcopy(net[2].state_dict())
    before = torch.get_rng_state()
    x, y = rows(40)
    measure_batch_norm(Objective(recipe(model=net), net), [(x, y % 5)])
    torch.testing.assert_close(net[1].running_mean, x.mean(0))
    assert all(torch.equal(frozen[k], v) for k, v in net[2].state_dict().items())
    assert torch.equal(torch.get_rng_state(), before)
    assert [m.training for m in net] == [True, True, False]


@given(st.integers(0, 4), st.integers(1, 4), st.integers(0, 12))
def test_which_updates_enter(first, every, updates):
    net = nn.Linear(1, 1, bias=False)
    averages = WeightAverages(net, SWA, first=first, every=every)
    entered = []
    for step in range(1, updates + 1):
        nn.init.constant_(net.weight, float(step))
        averages.update()
        if step > first and step % every == 0:
            entered.append(step)
    assert averages.count == len(entered)
    with averages.applied():
        expected = sum(entered) / len(entered) if entered else net.weight.item()
        assert net.weight.item() == pytest.approx(expected)


def test_applying_is_undone_bitwise_also_after_an_error():
    net = rich_net()
    averages = WeightAverages(net, EMA)
    averages.update()
    held = [*net.parameters(), *net.buffers()]
    with torch.no_grad():
        for tensor in held:
            tensor.copy_(torch.full_like(tensor, 7))
    before = [tensor.clone() for tensor in held]

    def evaluation():
        with averages.applied():
            assert not torch.equal(held[0], before[0])
            net[4].count += 1
            raise ValueError("evaluation")

    with pytest.raises(ValueError, match="evaluation"):
        evaluation()
    assert all(torch.equal(a, b) for a, b in zip(held, before, strict=True))


def test_half_precision_is_averaged_in_single():
    net = nn.Linear(1, 1, bias=False, dtype=torch.bfloat16)
    averages = WeightAverages(net, Averaging("ema", decay=0.999))
    nn.init.constant_(net.weight, 1.0)
    averages.update()
    nn.init.constant_(net.weight, 2.0)
    for _ in range(100):
        averages.update()
    expected = 2 - 0.999**100
    assert averages.state()["averages"][0].item() == pytest.approx(expected, rel=1e-5)
    with averages.applied():
        assert net.weight.dtype == torch.bfloat16
        assert net.weight.item() == pytest.approx(expected, rel=0.01)


LAZY = lambda: nn.Sequential(nn.LazyLinear(6), nn.ReLU(), nn.LazyLinear(3))  # noqa: E731


@pytest.mark.parametrize(
    "fields",
    [
        {"averaging": EMA},
        {"averaging": SWA},
        {"averaging": Averaging("swa", start=0.5)},
        {"averaging": Averaging("ema", 0.9, every=3)},
        {"averaging": EMA, "keep_best": True},
        {"averaging": EMA, "early_stopping": EarlyStopping(patience=2), "epochs": 30},
        {"averaging": EMA, "model": LAZY},
        {"averaging": EMA, "optimizer": partial(optim.Adam, lr=0.01), "steps": 18},
    ],
    ids=lambda fields: " ".join(map(str, fields)),
)
def test_a_killed_run_with_averages_goes_on_bitwise(fields, tmp_path):
    length = {} if "steps" in fields else {"epochs": 4}
    made = split_recipe(**({"model": rich_net} | length | fields))
    check_resume(made, tmp_path / "run", [3, 5, 11], test=True, evaluate_train=True)


def test_a_finished_run_gives_the_averaged_weights_again(tmp_path):
    made = split_recipe(model=rich_net, averaging=EMA)
    one = train(made, checkpoint=tmp_path / "run", keep_model=True, test=True)
    two = train(made, checkpoint=tmp_path / "run", keep_model=True, test=True)
    assert same_weights(one.model, two.model)
    assert one.history.evaluations == two.history.evaluations


def test_the_best_averaged_weights_are_kept():
    made = split_recipe(model=norm_net, averaging=EMA, keep_best=True, metric=None, epochs=20)
    made = made.replace(optimizer=partial(optim.SGD, lr=2.0))
    run = train(made, keep_model=True)
    losses = dict(run.history.curve("validation"))
    x, y = made.splits.validation
    with torch.no_grad():
        kept = float(nn.functional.cross_entropy(run.model(x), y))
    assert kept == pytest.approx(min(losses.values()), rel=1e-6)
    assert run.history.best_step < len(run.history.losses)


def test_a_watch_sees_what_it_sees_without_averages():
    from torchclinic.watch import WatchOptions

    made = split_recipe(model=rich_net, steps=12)
    options = WatchOptions(every=1)
    plain = train(made, watch=options).trace
    averaged = train(made.replace(averaging=EMA), watch=options).trace
    assert [layer.series for layer in plain.layers] == [layer.series for layer in averaged.layers]


def test_averages_that_cannot_be_are_refused():
    endless = recipe(data=_Endless(), averaging=Averaging("swa"), epochs=2, batch_size=None)
    with pytest.raises(RecipeError, match="unknown length"):
        train(endless)
    with pytest.raises(RecipeError, match="never meets"):
        train(recipe(averaging=Averaging("swa", every=70), steps=60))


class _Endless:
    def __iter__(self):
        return iter([rows(8)] * 3)


@pytest.mark.parametrize("options", [{}, {"start": 0.5}, {"every": 7}, {"start": 0.3, "every": 4}])
def test_the_first_weights_fade_as_is_told(options):
    net = nn.Linear(1, 1, bias=False)
    made = Recipe(
        model=lambda: net,
        data=(torch.zeros(8, 1), torch.zeros(8, 1)),
        loss=nn.MSELoss(),
        optimizer=list,
        steps=60,
        averaging=Averaging("ema", decay=0.97, **options),
    )
    averages = build_averages(made, net, Length(None, 60, None))
    for _ in range(60):
        nn.init.constant_(net.weight, 0.0 if averages.count else 1.0)
        averages.update()
    averages.install()
    assert net.weight.item() == pytest.approx(first_weights(made))
    assert first_weights(made.replace(averaging=Averaging("swa"))) is None
