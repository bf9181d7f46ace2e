"""The loops that people write: scaling, closures, accumulation, validation, several optimizers."""

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import torchclinic as tc
from torchclinic.core import ModelError, UsageError
from torchclinic.watch import WatchOptions
from watch.trainings import batches, loss_of


def net(*middle):
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(6, 8), *(middle or (nn.ReLU(),)), nn.Linear(8, 3))


def train(model, updater, steps, watch):
    for x, y in batches(steps):
        updater.zero_grad()
        loss_of(model, x, y).backward()
        updater.step()
    return watch.trace


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def assert_close(one, other, rel=1e-4):
    for layer in one.layers:
        for statistic, series in layer.series.items():
            theirs = other.layer(layer.name)[statistic]
            assert series.steps == theirs.steps, statistic
            assert series.values == pytest.approx(theirs.values, rel=rel, abs=1e-7), statistic


def scaled(scaler, overflow_at=(), fused=False):
    model = net()
    updater = torch.optim.SGD(model.parameters(), lr=0.1, fused=fused)
    with tc.watch(model, updater, every=1) as watch:
        for index, (x, y) in enumerate(batches(6)):
            updater.zero_grad()
            loss = loss_of(model, x, y)
            scaler.scale(loss * (float("inf") if index in overflow_at else 1.0)).backward()
            scaler.step(updater)
            scaler.update()
    return watch.trace


def test_a_scaled_loss_and_its_gradients_are_read_without_the_scale():
    on = scaled(torch.amp.GradScaler("cpu", init_scale=1024.0))
    off = scaled(torch.amp.GradScaler("cpu", enabled=False))
    assert on.steps["loss"].values == pytest.approx(off.steps["loss"].values, rel=1e-6)
    assert_close(on, off)


def test_a_step_that_the_scaler_skips_is_not_counted_nor_mixed_into_the_next():
    trace = scaled(torch.amp.GradScaler("cpu", init_scale=1024.0), overflow_at=(2,))
    assert trace.cost.steps == 5
    assert any("1 steps were skipped" in note for note in trace.notes)
    for layer in trace.layers:
        assert all(torch.isfinite(torch.tensor(layer["output_gradient_rms"].values)))
        assert set(layer["nonfinite"].values) == {0.0}
    assert all(torch.isfinite(torch.tensor(trace.steps["loss"].values)))


def test_a_fused_optimizer_that_unscales_by_itself():
    fused = scaled(torch.amp.GradScaler("cpu", init_scale=1024.0), fused=True)
    plain = scaled(torch.amp.GradScaler("cpu", enabled=False))
    for layer in fused.layers:
        theirs = plain.layer(layer.name)["gradient_norm"].values
        assert layer["gradient_norm"].values == pytest.approx(theirs, rel=1e-4)


def test_lbfgs_counts_optimizer_steps_and_takes_the_first_loss_of_the_closure():
    model = net(nn.Tanh())
    updater = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=5)
    x, y = next(batches(1))
    first = []
    with tc.watch(model, updater, every=1) as watch:
        for _ in range(4):
            first.append(float(loss_of(model, x, y).detach()))

            def closure():
                updater.zero_grad()
                loss = loss_of(model, x, y)
                loss.backward()
                return loss

            updater.step(closure)
    trace = watch.trace
    assert trace.cost.steps == 4
    assert trace.steps["loss"].values == pytest.approx(first, rel=1e-5)
    assert len(trace.layer("0")["gradient_norm"]) == 4
    assert len(trace.layer("0")["update_ratio"]) >= 3
    assert len(trace.layer("0")["activation_std"]) == 4


def test_a_closure_given_to_sgd_reads_as_a_loop_without_one():
    with_closure, plain = net(), net()
    updater = sgd(with_closure)
    with tc.watch(with_closure, updater, every=1) as watch:
        for x, y in batches(5):

            def closure():
                updater.zero_grad()
                loss = loss_of(with_closure, x, y)  # noqa: B023
                loss.backward()
                return loss

            updater.step(closure)
    with_trace = watch.trace
    other = sgd(plain)
    with tc.watch(plain, other, every=1) as watch:
        train(plain, other, 5, watch)
    for layer in with_trace.layers:
        theirs = watch.trace.layer(layer.name)
        for name in ("gradient_norm", "activation_std", "output_gradient_rms"):
            assert layer[name].values == pytest.approx(theirs[name].values, rel=1e-5)
    assert with_trace.steps["loss"].values == pytest.approx(watch.trace.steps["loss"].values)


def test_accumulated_passes_read_like_one_large_batch():
    accumulated, whole = net(), net()
    parts = list(batches(8))
    updater = sgd(accumulated)
    with tc.watch(accumulated, updater, every=1) as one:
        for index in range(0, 8, 2):
            updater.zero_grad()
            for x, y in parts[index : index + 2]:
                (loss_of(accumulated, x, y) / 2).backward()
            updater.step()
    updater = sgd(whole)
    with tc.watch(whole, updater, every=1) as other:
        for index in range(0, 8, 2):
            updater.zero_grad()
            x = torch.cat([part[0] for part in parts[index : index + 2]])
            y = torch.cat([part[1] for part in parts[index : index + 2]])
            loss_of(whole, x, y).backward()
            updater.step()
    assert one.trace.cost.steps == 4
    assert one.trace.steps["loss"].values == pytest.approx(other.trace.steps["loss"].values)
    assert_close(one.trace, other.trace, rel=1e-3)


@pytest.mark.parametrize("gradients", [False, True])
def test_validation_between_steps_leaves_no_trace(gradients):
    bare, checked = net(), net()
    updater = sgd(bare)
    with tc.watch(bare, updater, every=1) as one:
        train(bare, updater, 5, one)
    updater = sgd(checked)
    with tc.watch(checked, updater, every=1) as other:
        for x, y in batches(5):
            checked.eval()
            with torch.set_grad_enabled(gradients):
                checked(100 * x)
            checked.train()
            updater.zero_grad()
            loss_of(checked, x, y).backward()
            updater.step()
    assert_close(one.trace, other.trace)


def test_training_in_evaluation_mode_is_still_read():
    model = net().eval()
    updater = sgd(model)
    with tc.watch(model, updater, every=1) as watch:
        trace = train(model, updater, 3, watch)
    assert len(trace.layer("0")["activation_mean"]) == 3


def test_several_optimizers_count_the_first_and_say_what_is_missing():
    model = net()
    first = torch.optim.SGD(model[0].parameters(), lr=0.1)
    second = torch.optim.SGD(model[2].parameters(), lr=0.1)
    with tc.watch(model, [first, second], every=1) as watch:
        for x, y in batches(4):
            model.zero_grad()
            loss_of(model, x, y).backward()
            first.step()
            second.step()
    trace = watch.trace
    assert trace.cost.steps == 4
    assert len(trace.layer("0")["update_ratio"]) == 4
    assert len(trace.layer("2")["update_ratio"]) == 0
    assert len(trace.layer("2")["gradient_norm"]) == 4
    assert any("2 optimizers" in note for note in trace.notes)


def test_rates_of_further_groups_and_rates_that_are_tensors():
    model = net()
    groups = [
        {"params": model[0].parameters(), "lr": 0.1},
        {"params": model[2].parameters(), "lr": torch.tensor(0.2)},
    ]
    updater = torch.optim.SGD(groups, lr=0.1)
    with tc.watch(model, updater, every=1) as watch:
        for x, y in batches(3):
            updater.zero_grad()
            loss_of(model, x, y).backward()
            updater.step()
            updater.param_groups[1]["lr"].mul_(0.5)
    assert watch.trace.steps["learning_rate"].values == (0.1, 0.1, 0.1)
    assert watch.trace.steps["learning_rate/1"].values == pytest.approx((0.2, 0.1, 0.05))


def test_observe_says_what_the_loss_is():
    model = net()
    updater = sgd(model)
    with tc.watch(model, updater, every=1, loss="mine") as watch:
        for step, (x, y) in enumerate(batches(3)):
            updater.zero_grad()
            watch.observe(torch.tensor(float(step)))
            loss_of(model, x, y).backward()
            updater.step()
    assert watch.trace.steps["loss"].values == (0.0, 1.0, 2.0)
    assert watch.trace.meta["loss"] == "mine"


def test_a_vector_that_is_propagated_with_a_gradient_is_no_loss():
    model = net()
    updater = sgd(model)
    with tc.watch(model, updater, every=1) as watch:
        for x, _ in batches(3):
            updater.zero_grad()
            out = model(x)
            out.backward(torch.ones_like(out))
            updater.step()
    assert "loss" not in watch.trace.steps
    assert any("observe(loss)" in note for note in watch.trace.notes)


def test_paused_lets_another_model_train_unseen():
    model, other = net(), net()
    updater, second = sgd(model), sgd(other)
    with tc.watch(model, updater, every=2) as watch:
        for x, y in batches(6):
            updater.zero_grad()
            loss = loss_of(model, x, y)
            loss.backward()
            updater.step()
            with watch.paused():
                second.zero_grad()
                (1000 * loss_of(other, x, y)).backward()
                second.step()
    assert watch.trace.cost.steps == 6
    assert max(watch.trace.steps["loss"].values) < 10
    assert watch.trace.layer("0")["gradient_norm"].steps == (1, 3, 5)


def test_recomputed_layers_of_a_checkpoint_count_once():
    class Checkpointed(nn.Module):
        def __init__(self, reentrant):
            super().__init__()
            self.a, self.b, self.reentrant = nn.Linear(6, 8), nn.Linear(8, 3), reentrant

        def forward(self, x):
            x = x.requires_grad_()
            h = checkpoint(lambda v: torch.relu(self.a(v)), x, use_reentrant=self.reentrant)
            return self.b(h)

    traces = []
    for reentrant in (False, True):
        torch.manual_seed(0)
        model = Checkpointed(reentrant)
        updater = sgd(model)
        with tc.watch(model, updater, every=1) as watch:
            traces.append(train(model, updater, 4, watch))
    for trace in traces:
        assert len(trace.layer("a")["activation_mean"]) == 4
    assert traces[0].layer("a")["activation_std"].values == pytest.approx(
        traces[1].layer("a")["activation_std"].values, rel=1e-5
    )


def test_an_optimizer_wrapped_by_another_class_is_found():
    class Wrapper:
        def __init__(self, optimizer):
            self.optimizer = optimizer

    model = net()
    updater = sgd(model)
    with tc.watch(model, Wrapper(updater), every=1) as watch:
        assert train(model, updater, 2, watch).cost.steps == 2


def test_a_loop_that_never_steps_says_so():
    model = net()
    with tc.watch(model, sgd(model)) as watch:
        pass
    assert any("never called" in note for note in watch.trace.notes)
    assert "never called" in str(watch)


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"budget": 0.0}, "0.0"),
        ({"budget": 1.5}, "1.5"),
        ({"every": 0}, "0"),
        ({"max_readings": 1}, "1"),
        ({"layers": " , "}, "' , '"),
        ({"statistics": ["no_such"]}, "no_such"),
        ({"statistics": []}, "no statistic"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, value):
    with pytest.raises(UsageError, match=value):
        WatchOptions(**options)


def test_what_is_no_model_or_no_optimizer_is_refused():
    with pytest.raises(ModelError, match="function"):
        tc.watch(lambda x: x)
    with pytest.raises(UsageError, match="str"):
        tc.watch(net(), "sgd")


def test_a_watch_runs_once():
    model = net()
    watch = tc.watch(model, sgd(model))
    with watch:
        assert watch.start() is watch
    watch.stop()
    with pytest.raises(UsageError, match="ended"):
        watch.start()
    assert watch.trace is watch.trace
