"""Recipe and seed -> Run."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from torchclinic.core import History, Recipe, Run, UsageError
from torchclinic.core.trace import Trace
from torchclinic.data import Batches, batches
from torchclinic.training.averaging import build_averages
from torchclinic.training.build import build_model, build_optimizer, check_trainable
from torchclinic.training.checkpoint.fingerprint import fingerprint
from torchclinic.training.checkpoint.policy import Checkpoints
from torchclinic.training.evaluations import Evaluations
from torchclinic.training.interrupt import DeferredInterrupt
from torchclinic.training.loop import Loop, OnStep
from torchclinic.training.loss_kind import loss_name
from torchclinic.training.metrics import resolve_metric
from torchclinic.training.plan import Length, cadence, length
from torchclinic.training.progress import progress_bar
from torchclinic.training.rng import seeded, stream_seed
from torchclinic.training.run_state import RunState
from torchclinic.training.saver import Saver
from torchclinic.training.schedule import build_schedule
from torchclinic.training.selection import Selection
from torchclinic.training.update import Update

if TYPE_CHECKING:
    from torchclinic.watch import WatchOptions


def train(  # noqa: PLR0913 - everything after the seed is optional and by name
    recipe: Recipe,
    seed: int = 0,
    *,
    max_steps: int | None = None,
    watch: WatchOptions | None = None,
    checkpoint: Checkpoints | Path | str | None = None,
    progress: bool = False,
    evaluate_train: bool = False,
    test: bool = False,
    keep_model: bool = False,
    on_step: OnStep | None = None,
) -> Run:
    """Train a recipe once. The recipe and the seed decide every number of the run.

    The seed starts three streams: the model factory's, that of the data order (a generator of its
    own), and that of everything random in the steps, such as dropout. The global generators are
    bitwise the same before and after. Evaluations disturb none of them.

    Five consecutive non-finite losses, looked for at every 25th update, end the run as "diverged",
    and so does a non-finite last loss. Until then such losses are recorded and the training goes
    on, as a hand-written loop would.

    A run with a checkpoint that is killed at any moment goes on from there when `train` is called
    again in the same way, and ends bitwise as if it had not been killed. Ctrl-C lets the step
    finish, saves, and raises KeyboardInterrupt. A watch of a resumed run sees the rest only.

    Args:
        recipe: What to train.
        seed: Any whole number.
        max_steps: Ends the run after so many updates; schedules keep the full length.
        watch: Instruments the model for the whole run; the readings become `run.trace`.
        checkpoint: File to save to and to go on from; `Checkpoints` also says how often.
        progress: Whether to show a bar with the time left on standard error.
        evaluate_train: Evaluate a fixed sample of the training rows, too, in evaluation mode: as
            many as are validated, and up to 1024 where fewer are.
        test: Evaluate the test part with the weights that the run ends with; it also gives the
            curve where there is no validation part. Otherwise the test part is not touched.
        keep_model: Return the trained module, in evaluation mode, as `run.model`.
        on_step: `on_step(step, loss)` after each update, with the detached loss; a true answer
            ends the run as "interrupted".

    Returns:
        The run, with its History complete.

    Raises:
        RecipeError: If recipe and data contradict each other or a factory fails.
        ModelError, LossError, DataError: If model, loss or data fail, naming where and how.
        CheckpointError: If the checkpoint is damaged, of another run, or cannot be written.
        KeyboardInterrupt: On Ctrl-C.

    >>> from functools import partial
    >>> from torch import nn, optim
    >>> x = torch.linspace(-1, 1, 8).reshape(-1, 1)
    >>> recipe = Recipe(model=partial(nn.Linear, 1, 1), data=(x, 2 * x), loss=nn.MSELoss(),
    ...                 optimizer=partial(optim.SGD, lr=0.5), batch_size=None, epochs=60)
    >>> run = train(recipe)
    >>> len(run.history.losses), run.history.losses[-1] < 1e-9
    (60, True)
    """
    if max_steps is not None and max_steps < 1:
        raise UsageError(
            f"max_steps is {max_steps!r}", hint="a whole number of at least 1, or None"
        )
    with ExitStack() as stack:
        stack.enter_context(seeded(stream_seed(seed, "training")))
        data = batches(recipe.splits.train, batch_size=recipe.batch_size, shuffle=recipe.shuffle)
        full = length(recipe, data)
        evaluations = Evaluations(recipe, data, test=test, evaluate_train=evaluate_train)
        run = _begin(recipe, seed, full, has_validation=evaluations.has_validation)
        loop = _loop(recipe, run, data, evaluations, full, max_steps)
        if checkpoint is not None:
            identity = fingerprint(recipe, seed, run.model, run.optimizer, data.rows)
            loop.keep(Saver(checkpoint, identity), stack.enter_context(DeferredInterrupt()))
        stack.enter_context(_quiet_scaler(run.update))
        total = full.steps if max_steps is None else max_steps
        bar = stack.enter_context(progress_bar(progress, recipe.name, total, run.step))
        trace = _watched(loop, run, _named(watch, recipe), bar, on_step)
        evaluations.settle(run)
        evaluations.test_point(run)
    history = _history(recipe, run, full, loop)
    return Run(recipe.name, seed, history, trace, _model(run) if keep_model else None)


def _begin(recipe: Recipe, seed: int, full: Length, *, has_validation: bool) -> RunState:
    model = build_model(recipe, seed)
    check_trainable(model)
    model.train()
    optimizer = build_optimizer(recipe, model)
    generator = torch.Generator().manual_seed(stream_seed(seed, "data order"))
    return RunState(
        model=model,
        optimizer=optimizer,
        update=Update(recipe, model, optimizer),
        schedule=build_schedule(recipe, optimizer, steps=full.steps, epochs=full.epochs),
        selection=Selection(recipe, model, has_validation=has_validation),
        averages=build_averages(recipe, model, full),
        generator=generator,
        order=generator.get_state(),
    )


def _loop(
    recipe: Recipe,
    run: RunState,
    data: Batches,
    evaluations: Evaluations,
    full: Length,
    max_steps: int | None,
) -> Loop:
    limits = [n for n in (recipe.steps, max_steps) if n is not None]
    limit = min(limits) if limits else None
    if recipe.steps is None and limit is not None and full.steps is not None:
        limit = None if limit >= full.steps else limit  # the epochs end it, with all they do
    when = cadence(
        recipe,
        full,
        limit=full.steps if limit is None else limit,
        rows_a_step=_rows_a_step(data, full),
        rows=evaluations.rows,
    )
    return Loop(recipe, run, data, evaluations, when, limit)


def _rows_a_step(data: Batches, full: Length) -> int | None:
    return None if not data.rows or not full.per_epoch else -(-data.rows // full.per_epoch)


def _named(watch: WatchOptions | None, recipe: Recipe) -> WatchOptions | None:
    """The options, with the name of the recipe's loss for the record."""
    if watch is None or watch.loss is not None:
        return watch
    return replace(watch, loss=loss_name(recipe.loss))


def _watched(
    loop: Loop, run: RunState, watch: WatchOptions | None, bar: Any, on_step: OnStep | None
) -> Trace | None:
    loop.attend(bar=bar, on_step=on_step)
    if watch is None:
        loop.run()
        return None
    with watch.start(run.model, run.optimizer) as watcher:
        run.update.before_step = watcher.observe
        loop.run()
    return watcher.trace


@contextmanager
def _quiet_scaler(update: Update) -> Iterator[None]:
    """A scaler's first updates overflow and are left out, which schedulers take for a mistake."""
    if update.scaler is None:
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
        yield


def _history(recipe: Recipe, run: RunState, full: Length, loop: Loop) -> History:
    metric = resolve_metric(recipe)
    recorder = run.recorder
    assert loop.ending is not None
    return History(
        losses=tuple(recorder.losses),
        learning_rates=tuple(recorder.learning_rates),
        gradient_norms=tuple(recorder.gradient_norms),
        evaluations=tuple(recorder.evaluations),
        metric=None if metric is None else metric.name,
        higher_is_better=metric is not None and metric.higher_is_better,
        steps_per_epoch=full.per_epoch,
        planned_steps=full.steps,
        ending=loop.ending,
        best_step=run.selection.best_step,
        seconds=run.clock.seconds,
    )


def _model(run: RunState) -> torch.nn.Module:
    for parameter in run.model.parameters():
        parameter.grad = None
    return run.model.eval()
