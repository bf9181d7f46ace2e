"""The caller's hook, the progress bar and the watch."""

from types import SimpleNamespace

import torch

from torchclinic.core import Trace
from torchclinic.training import train
from training.parts import recipe


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


class FakeWatch:
    """Stands for `WatchOptions.start(model, optimizer)`."""

    def __init__(self):
        self.events = []
        self.trace = Trace(notes=("seen",))

    def start(self, model, optimizer):
        self.parts = model, optimizer
        return self

    def __enter__(self):
        self.events.append("enter")
        return self

    def __exit__(self, *_):
        self.events.append("exit")

    def observe(self, loss):
        assert not loss.requires_grad
        self.events.append(loss.item())


def test_the_watch_is_around_the_loop():
    fake = FakeWatch()
    run = train(recipe(steps=3), watch=fake, keep_model=True)
    assert fake.events == ["enter", *run.history.losses, "exit"]
    assert run.trace is fake.trace
    assert fake.parts[0] is run.model
    assert isinstance(fake.parts[1], torch.optim.SGD)


def test_without_a_watch_there_is_no_trace():
    assert train(recipe()).trace is None


def test_seconds_leave_evaluations_out(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("torchclinic.training.stopwatch.time.perf_counter", lambda: clock.now)

    def step(model, batch):
        clock.now += 1.0 if torch.is_grad_enabled() and model.training else 100.0
        return model(batch[0]).square().mean()

    from training.parts import split_recipe

    run = train(split_recipe(loss=None, step=step, metric=None), test=True)
    assert run.history.seconds == 15.0
    assert clock.now > 400
