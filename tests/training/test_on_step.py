"""The caller's hook, the progress bar and the watch."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import torch
from torch.optim import LBFGS

from torchclinic.core import Trace
from torchclinic.training import train
from torchclinic.watch import WatchOptions
from training.parts import recipe, rich_net, same_weights, split_recipe


def test_on_step_sees_each_step_and_its_loss():
    seen = []
    run = train(recipe(), on_step=lambda step, loss: seen.append((step, loss.item())))
    assert seen == list(enumerate(run.history.losses, 1))
    assert run.history.ending == "budget"


def test_on_step_may_end_the_run():
    history = train(recipe(), on_step=lambda step, loss: step == 4).history
    assert (len(history.losses), history.ending) == (4, "interrupted")


def test_the_bar_goes_to_standard_error(capsys):
    train(recipe(name="my [bold] net"), progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "my [bold] net" in captured.err
    assert "15/15" in captured.err
    train(recipe())
    assert capsys.readouterr().err == ""


def test_the_bar_copes_with_an_unknown_length(capsys):
    class Stream:
        def __iter__(self):
            return iter([(torch.zeros(4, 5), torch.zeros(4, dtype=torch.long))])

    train(recipe(data=Stream(), epochs=3), progress=True)
    assert "3/?" in capsys.readouterr().err


@dataclass(frozen=True)
class FakeWatch:
    """Stands for `WatchOptions.start(model, optimizer)`."""

    events: list = field(default_factory=list)
    parts: list = field(default_factory=list)
    trace: Trace = field(default_factory=lambda: Trace(notes=("seen",)))
    loss: str | None = None

    def start(self, model, optimizer):
        self.parts.extend([model, optimizer])
        self.events.append(self.loss)
        return self

    def __enter__(self):
        self.events.append("enter")
        return self

    def __exit__(self, *_):
        self.events.append("exit")

    def observe(self, loss):
        assert not loss.requires_grad
        moved = self.parts[1].param_groups[0]["params"][0]
        self.events.append((loss.item(), moved.grad is not None))


def test_the_watch_is_around_the_loop():
    fake = FakeWatch()
    run = train(recipe(steps=3), watch=fake, keep_model=True)
    assert fake.events == [
        "CrossEntropyLoss",
        "enter",
        *((loss, True) for loss in run.history.losses),
        "exit",
    ]
    assert run.trace.notes == ("seen",)
    assert fake.parts[0] is run.model
    assert isinstance(fake.parts[1], torch.optim.SGD)


@pytest.mark.parametrize("fields", [{}, {"accumulate": 2}, {"optimizer": LBFGS}])
def test_a_real_watch_is_inert_and_its_readings_belong_to_their_steps(fields):
    made = split_recipe(model=rich_net, epochs=6, **fields)
    options = {"keep_model": True, "evaluate_train": True, "test": True}
    bare = train(made, 4, **options)
    watched = train(made, 4, watch=WatchOptions(every=1), **options)
    assert watched.history.losses == bare.history.losses
    assert watched.history.evaluations == bare.history.evaluations
    assert same_weights(watched.model, bare.model)
    losses = watched.trace.steps["loss"]
    assert len(losses) >= len(bare.history.losses) - 2
    for step, value in zip(losses.steps, losses.values, strict=True):
        assert watched.history.losses[step - 1] == pytest.approx(value, rel=1e-6)
    assert watched.trace.cost.steps == len(bare.history.losses)
    assert watched.trace.meta["loss"] == "CrossEntropyLoss"
    assert not any(module._forward_hooks for module in watched.model.modules())


def test_without_a_watch_there_is_no_trace():
    assert train(recipe()).trace is None


def test_seconds_leave_evaluations_out(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("torchclinic.training.stopwatch.time.perf_counter", lambda: clock.now)

    def step(model, batch):
        clock.now += 1.0 if torch.is_grad_enabled() and model.training else 100.0
        return model(batch[0]).square().mean()

    run = train(split_recipe(loss=None, step=step, metric=None), test=True)
    assert run.history.seconds == 15.0
    assert clock.now > 400
