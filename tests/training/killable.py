"""A training in a process of its own, to be killed."""

import resource
import time
from functools import partial
from pathlib import Path

import torch
import torch._dynamo  # torch does at the first update; here once for all forked processes
from torch import nn
from torch.optim import Adam
from torch.optim.lr_scheduler import OneCycleLR

from torchclinic.core import EarlyStopping, Penalty, Schedule, Splits, TorchclinicError
from torchclinic.training import Checkpoints, train
from training.parts import recipe, rich_net, rows


def made():
    """Dropout, BatchNorm, Adam, a schedule, accumulation, clipping, early stopping."""
    return recipe(
        model=rich_net,
        data=Splits(train=rows(75), validation=rows(30, seed=1), test=rows(20, seed=2)),
        batch_size=4,
        optimizer=partial(Adam, lr=0.02, amsgrad=True),
        schedule=Schedule(lambda o, n: OneCycleLR(o, max_lr=0.05, total_steps=n)),
        penalties=(Penalty("l1", 1e-4),),
        clip_norm=1.0,
        accumulate=2,
        epochs=8,
        metric="accuracy",
        early_stopping=EarlyStopping(patience=50),
    )


def result(run):
    """Everything that must come out bitwise the same."""
    history = run.history
    return {
        "weights": run.model.state_dict(),
        "losses": torch.tensor(history.losses, dtype=torch.float64),
        "rates": torch.tensor(history.learning_rates, dtype=torch.float64),
        "norms": torch.tensor(history.gradient_norms, dtype=torch.float64),
        "evaluations": [tuple(vars(e).values()) for e in history.evaluations],
        "ending": (history.ending, history.best_step),
    }


def work(path, ending, every=1, pause=0.001):
    """Train, and put the result where it can be found."""
    torch.set_num_threads(1)
    options = {"test": True, "keep_model": True, "evaluate_train": True}
    options["on_step"] = lambda *_: time.sleep(pause)
    checkpoint = None if path is None else Checkpoints(path, steps=every)
    run = train(made(), 5, checkpoint=checkpoint, **options)
    torch.save(result(run), f"{ending}.part")
    Path(f"{ending}.part").replace(ending)


def work_in_little_space(path, ending, bytes_a_file):
    """Train where no file may become larger than this."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_a_file, bytes_a_file))
    large = made().replace(model=lambda: nn.Sequential(rich_net(), nn.Linear(3, 30_000)))
    small_first = Checkpoints(path, steps=1)
    try:
        train(large, 5, checkpoint=small_first)
    except TorchclinicError as error:
        Path(ending).write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
