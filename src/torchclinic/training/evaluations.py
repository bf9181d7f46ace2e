"""The evaluations of a run: which parts, when last, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor

from torchclinic.core import Recipe
from torchclinic.core.history import Evaluation, SplitName
from torchclinic.data import Batches, batches, map_tensors, rows_of
from torchclinic.data.structure import tensors_of
from torchclinic.training.averaging import measure_batch_norm, tracking_layers
from torchclinic.training.evaluate import evaluate, evaluation_batch_size
from torchclinic.training.objective import Objective
from torchclinic.training.run_state import RunState

BATCH_NORM_ROWS = 2048  # training rows on which BatchNorm is measured for averaged weights
TRAIN_ROWS = 1024  # rows of the training data that are evaluated, or as many as are validated


class Evaluations:
    """Evaluates a run's model on the parts that the caller may see.

    The curve is that of the validation part. Without one it is that of the test part, if that may
    be looked at; else of none. A fixed sample of the training data can be added. A run that
    averages its weights is evaluated with the averages.

    Args:
        recipe: Whose splits are evaluated.
        train: The training batches.
        test: Whether the test part may be looked at.
        evaluate_train: Whether the training sample is evaluated, too.
    """

    def __init__(self, recipe: Recipe, train: Batches, *, test: bool, evaluate_train: bool) -> None:
        self._recipe = recipe
        self._train = train
        self._statistics: Sample | None = None
        splits = recipe.splits
        self._size = evaluation_batch_size(recipe)
        validation = self._batches(splits.validation)
        self._test = self._batches(splits.test) if test else None
        self.has_validation = validation is not None
        self._parts: list[tuple[SplitName, Any]] = []
        if validation is not None:
            self._parts.append(("validation", validation))
        elif self._test is not None:
            self._parts.append(("test", self._test))
        rows = [part.rows for _, part in self._parts]
        if evaluate_train:
            sample = train.sample(max([TRAIN_ROWS, *(count or 0 for count in rows)]))
            self._parts.append(("train", Sample(sample, self._size)))
            rows.append(rows_of(sample))
        self.rows = sum(count or 0 for count in rows) or None

    def curve_point(self, run: RunState) -> Evaluation | None:
        """Evaluate all parts, unless that was done at this very step.

        Returns:
            The validation evaluation; None without a validation part.
        """
        done = {e.split: e for e in run.recorder.evaluations if e.step == run.step}
        missing = [pair for pair in self._parts if pair[0] not in done]
        if missing:
            with self._averaged(run):
                for split, part in missing:
                    done[split] = self._evaluate(run, run.step, split, part)
                    if split == "validation":
                        run.selection.follow(done[split])
        return done.get("validation")

    def settle(self, run: RunState) -> None:
        """Give the model the weights that the run ends with: averaged, the best, or its last."""
        if run.averages is not None and run.averages.count:
            run.averages.install()
            self._measure(run)
        run.selection.finish()

    def test_point(self, run: RunState) -> None:
        """Evaluate the weights that the run ends with on the test part, if that was asked for."""
        step = run.selection.best_step or run.step
        known = any(e.split == "test" and e.step == step for e in run.recorder.evaluations)
        if self._test is not None and not known:
            self._evaluate(run, step, "test", self._test)

    @contextmanager
    def _averaged(self, run: RunState) -> Iterator[None]:
        """Inside, the model has the averaged weights, if the run has any."""
        if run.averages is None:
            yield
            return
        with run.averages.applied(partial(self._measure, run)):
            yield

    def _measure(self, run: RunState) -> None:
        """Statistics of BatchNorm layers for the weights that the model has now."""
        averaging = self._recipe.averaging
        if averaging is None or not averaging.batch_norm or not tracking_layers(run.model):
            return
        with run.clock.paused():
            if self._statistics is None:
                rows = self._train.sample(BATCH_NORM_ROWS)
                self._statistics = Sample(rows, self._size)
            needs_grad = self._recipe.step is not None
            measure_batch_norm(
                Objective(self._recipe, run.model), self._statistics, grad=needs_grad
            )

    def _evaluate(self, run: RunState, step: int, split: SplitName, part: Any) -> Evaluation:
        with run.clock.paused():
            scores = evaluate(self._recipe, run.model, part)
        return run.recorder.evaluated(step, split, scores.loss, scores.metric)

    def _batches(self, source: Any) -> Batches | None:
        return None if source is None else batches(source, batch_size=self._size, shuffle=False)


class Sample:
    """One large batch, iterated in smaller ones where all of its tensors count the same rows.

    >>> import torch
    >>> [len(part) for part in Sample(torch.zeros(5), 2)]
    [2, 2, 1]
    """

    def __init__(self, batch: Any, size: int | None) -> None:
        counts = {t.shape[0] if t.dim() else None for t in tensors_of(batch)}
        self._batch = batch
        self._rows = rows_of(batch) if len(counts) == 1 else None
        self._size = size

    def __iter__(self) -> Iterator[Any]:
        if self._rows is None or self._size is None:
            yield self._batch
            return
        for start in range(0, self._rows, self._size):
            yield map_tensors(self._cut(start), self._batch)

    def _cut(self, start: int) -> Any:
        stop = start + (self._size or 0)

        def cut(tensor: Tensor) -> Tensor:
            return tensor[start:stop]

        return cut
