"""A run that is killed at any moment ends bitwise as if it had not been."""

import multiprocessing
import random
import signal
import time
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn, optim
from torch.optim import lr_scheduler as schedules
from torch.utils.data import DataLoader, TensorDataset

from torchclinic.core import EarlyStopping, Schedule
from torchclinic.training import Checkpoints, train
from training import killable
from training.parts import plain_net, recipe, rich_net, rows, same_weights, split_recipe

OPTIMIZERS = {
    "sgd": partial(optim.SGD, lr=0.05),
    "nesterov": partial(optim.SGD, lr=0.05, momentum=0.9, nesterov=True),
    "adam": partial(optim.Adam, lr=0.01),
    "adamw": partial(optim.AdamW, lr=0.01, amsgrad=True, foreach=False),
    "rmsprop": partial(optim.RMSprop, lr=0.01, centered=True, momentum=0.5),
    "adagrad": partial(optim.Adagrad, lr=0.05),
    "adadelta": optim.Adadelta,
    "nadam": partial(optim.NAdam, lr=0.01),
    "asgd": partial(optim.ASGD, lr=0.05, t0=3),
    "rprop": partial(optim.Rprop, lr=0.01),
    "adafactor": partial(optim.Adafactor, lr=0.01),
    "lbfgs": partial(optim.LBFGS, lr=0.1, max_iter=4, history_size=3),
    "groups": lambda model: optim.SGD(
        [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[5].parameters()}], lr=0.01
    ),
}


def _two_phases(optimizer, total):
    first = schedules.LinearLR(optimizer, total_iters=3)
    return schedules.SequentialLR(
        optimizer, [first, schedules.CosineAnnealingLR(optimizer, total)], milestones=[3]
    )


SCHEDULES = {
    "step": Schedule(lambda o, n: schedules.StepLR(o, 4)),
    "multi-step": Schedule(lambda o, n: schedules.MultiStepLR(o, [3, 6])),
    "exponential": partial(schedules.ExponentialLR, gamma=0.7),
    "one cycle": Schedule(lambda o, n: schedules.OneCycleLR(o, 0.2, total_steps=n)),
    "cyclic": Schedule(
        lambda o, n: schedules.CyclicLR(o, 0.01, 0.1, step_size_up=3, cycle_momentum=False)
    ),
    "restarts": Schedule(lambda o, n: schedules.CosineAnnealingWarmRestarts(o, 4)),
    "polynomial": Schedule(schedules.PolynomialLR),
    "lambda": Schedule(lambda o, n: schedules.LambdaLR(o, lambda k: 1 / (1 + k))),
    "multiplicative": Schedule(lambda o, n: schedules.MultiplicativeLR(o, lambda k: 0.9)),
    "sequential": Schedule(_two_phases),
    "plateau": partial(schedules.ReduceLROnPlateau, patience=0, threshold=0.5),
}


class Killed(BaseException):
    """Stands for the sudden end of the process."""


def kill_at(step):
    def on_step(now, loss):
        if now == step:
            raise Killed

    return on_step


def check_resume(made, path, kills, every=3, **options):
    """Kill at each of these steps in turn; the end must be that of an undisturbed run."""
    whole = train(made, 9, keep_model=True, **options)
    policy = Checkpoints(path, seconds=None, steps=every)
    for step in kills:
        with pytest.raises(Killed):
            train(made, 9, checkpoint=policy, on_step=kill_at(step), **options)
    again = train(made, 9, checkpoint=policy, keep_model=True, **options)
    assert again.history.losses == whole.history.losses
    assert again.history.learning_rates == whole.history.learning_rates
    assert again.history.gradient_norms == whole.history.gradient_norms
    assert again.history.evaluations == whole.history.evaluations
    assert again.history.ending == whole.history.ending
    assert again.history.best_step == whole.history.best_step
    assert same_weights(whole.model, again.model)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_goes_on(name, tmp_path):
    check_resume(recipe(model=rich_net, optimizer=OPTIMIZERS[name]), tmp_path / "run", [2, 8, 13])


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_goes_on(name, tmp_path):
    made = split_recipe(model=rich_net, schedule=SCHEDULES[name], epochs=4)
    check_resume(made, tmp_path / "run", [4, 7, 16], every=2)


@pytest.mark.parametrize(
    "fields",
    [
        {"accumulate": 2},
        {"steps": 13},
        {"shuffle": False},
        {"keep_best": True},
        {"early_stopping": EarlyStopping(patience=1), "epochs": 30},
        {"autocast": "bfloat16"},
        {"model": plain_net()},
        {"model": lambda: nn.Sequential(nn.LazyLinear(6), nn.ReLU(), nn.LazyLinear(3))},
        {"model": lambda: plain_net().to(memory_format=torch.preserve_format).double().float()},
        {"schedule": partial(schedules.ReduceLROnPlateau, patience=0), "metric": None},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_every_kind_of_recipe_goes_on(fields, tmp_path):
    made = split_recipe(
        **({"model": rich_net} | ({} if "steps" in fields else {"epochs": 4}) | fields)
    )
    check_resume(made, tmp_path / "run", [3, 5, 10], test=True, evaluate_train=True)


@pytest.mark.parametrize("step", range(1, 16))
def test_every_step_is_a_good_moment(step, tmp_path):
    check_resume(recipe(model=rich_net), tmp_path / "run", [step], every=4)


def test_tied_weights_and_half_precision_state(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Linear(5, 5, dtype=torch.bfloat16)
            self.two = nn.Linear(5, 5, dtype=torch.bfloat16)
            self.two.weight = self.one.weight

        def forward(self, x):
            return self.two(self.one(x.bfloat16()).relu()).float()

    made = recipe(model=Tied, optimizer=partial(optim.Adam, lr=0.01))
    check_resume(made, tmp_path / "run", [2, 9])


def test_a_plateau_without_validation(tmp_path):
    made = recipe(model=rich_net, schedule=partial(schedules.ReduceLROnPlateau, patience=0))
    check_resume(made, tmp_path / "run", [7], every=1)


def test_a_finished_run_is_not_trained_again(tmp_path):
    made, path = split_recipe(model=rich_net), tmp_path / "run"
    one = train(made, checkpoint=path, test=True, keep_model=True)
    steps = []
    two = train(
        made, checkpoint=path, test=True, keep_model=True, on_step=lambda *_: steps.append(1)
    )
    assert steps == []
    assert replace(one.history, seconds=0) == replace(two.history, seconds=0)
    assert same_weights(one.model, two.model)


def test_a_cut_run_is_continued(tmp_path):
    made, path = split_recipe(model=rich_net), tmp_path / "run"
    train(made, checkpoint=path, max_steps=7)
    longer = train(made, checkpoint=path)
    assert longer.history.losses == train(made).history.losses


def test_a_run_that_was_given_up_stays_so(tmp_path):
    made = recipe(optimizer=partial(optim.SGD, lr=3e38), epochs=50)
    one = train(made, checkpoint=tmp_path / "run")
    two = train(made, checkpoint=tmp_path / "run")
    assert one.history.ending == two.history.ending == "diverged"
    assert len(one.history.losses) == len(two.history.losses) == 25


def test_a_loader_goes_on(tmp_path):
    loader = DataLoader(TensorDataset(*rows(40)), batch_size=8, shuffle=True)
    check_resume(recipe(data=loader, model=rich_net), tmp_path / "run", [4, 7, 12])


def test_a_gradient_scaler_goes_on(tmp_path, monkeypatch):
    scaler = lambda *_: torch.amp.GradScaler("cpu", init_scale=2.0**40, growth_interval=2)  # noqa: E731
    monkeypatch.setattr("torchclinic.training.update._scaler", scaler)
    check_resume(recipe(model=rich_net), tmp_path / "run", [2, 7])


def test_augmented_data_go_on(tmp_path):
    class Noisy(torch.utils.data.Dataset):
        def __len__(self):
            return 40

        def __getitem__(self, i):
            return rows(40)[0][i] + torch.randn(5) * random.random(), i % 3

    check_resume(recipe(data=Noisy(), model=rich_net, batch_size=8), tmp_path / "run", [4, 7])


@pytest.fixture(scope="module")
def processes():
    """A server that has torch loaded and makes real processes from it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torchclinic.training", "training.killable"])
    return context


@pytest.fixture(scope="module")
def undisturbed(processes, tmp_path_factory):
    """What a process of its own finds when nobody kills it."""
    ending = tmp_path_factory.mktemp("undisturbed") / "ending.pt"
    worker = processes.Process(target=killable.work, args=(None, str(ending)))
    worker.start()
    worker.join(60)
    return torch.load(ending, weights_only=True)


@pytest.mark.parametrize("every", [1, 5])
def test_sigkill_at_random_moments(every, processes, undisturbed, tmp_path):
    path, ending = tmp_path / "folder" / "run.checkpoint", tmp_path / "ending.pt"
    moments, kills = random.Random(every), 0
    while not ending.exists():
        worker = processes.Process(target=killable.work, args=(path, str(ending), every))
        worker.start()
        if kills < 4:
            _wait_for_news(path, worker)
            time.sleep(moments.uniform(0.0, 0.1))
            worker.kill()
        worker.join(60)
        kills += worker.exitcode == -signal.SIGKILL
        assert worker.exitcode in (0, -signal.SIGKILL)
    assert kills >= 2
    found, wanted = torch.load(ending, weights_only=True), undisturbed
    for name in ("losses", "rates", "norms"):
        assert torch.equal(found[name], wanted[name]), name
    assert found["evaluations"] == wanted["evaluations"]
    assert found["ending"] == wanted["ending"]
    assert found["weights"].keys() == wanted["weights"].keys()
    for name, value in wanted["weights"].items():
        assert torch.equal(found["weights"][name], value), name


def _wait_for_news(path, worker):
    """Until the worker has written a checkpoint, or ended."""
    before = _stamp(path)
    while worker.is_alive() and _stamp(path) == before:
        time.sleep(0.002)


def _stamp(path):
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
