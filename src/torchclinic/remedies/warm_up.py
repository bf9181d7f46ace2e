"""A learning rate that rises over the first steps."""

from __future__ import annotations

import dataclasses
from functools import partial

from torchclinic.core import Case, Change, NotApplicable, Recipe, Schedule
from torchclinic.optim import CosineDecay, WarmUp
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._code import number
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register

SHARE = 0.05  # of all steps; Goyal et al. use 5 of 90 epochs


@register
class WarmUpLearningRate(BaseRemedy):
    """Raise the learning rate linearly over the first 5 % of the steps."""

    name = "warm-up"
    title = "Warm-up over the first 5 % of the steps"
    reason = "the first gradients are the largest and least reliable; small steps survive them"
    source = "Goyal et al. 2017, Accurate, Large Minibatch SGD, section 2.2, arXiv 1706.02677"
    place = Place.SCHEDULE

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:
        """Applies to recipes without a schedule, or with a cosine decay that lacks a warm-up."""
        present = _factory(recipe.schedule)
        if isinstance(present, CosineDecay) and present.share == 0:
            return self.change(_before_the_cosine, warm_up_code(case, share=SHARE, decay=True))
        if present is not None:
            return NotApplicable("the recipe has a schedule of its own already")
        return self.change(partial(_scheduled, share=SHARE), warm_up_code(case, share=SHARE))


def _factory(schedule: object) -> object:
    return schedule.factory if isinstance(schedule, Schedule) else schedule


def _scheduled(recipe: Recipe, share: float) -> Recipe:
    return recipe.replace(schedule=Schedule(WarmUp(share), per="step", name="warm-up"))


def _before_the_cosine(recipe: Recipe) -> Recipe:
    cosine = _factory(recipe.schedule)
    assert isinstance(cosine, CosineDecay)
    both = dataclasses.replace(cosine, share=SHARE)
    return recipe.replace(schedule=Schedule(both, per="step", name="warm-up and cosine"))


def warm_up_code(case: Case, *, share: float, decay: bool = False) -> str:
    """Torch's schedulers for a warm-up, a cosine decay, or both; stepped after each update."""
    steps = case.recipe.planned_steps if case.recipe else None
    total = str(steps) if steps else "epochs * len(train_loader)"
    lines = ["from torch.optim import lr_scheduler", ""]
    if share == 0:
        lines.append(f"scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max={total})")
        return "\n".join([*lines, _STEP])
    warm = str(WarmUp(share).steps(steps)) if steps else f"max(1, round({number(share)} * {total}))"
    rise = f"lr_scheduler.LinearLR(optimizer, start_factor={WarmUp.start}, total_iters={warm})"
    if not decay:
        return "\n".join([*lines, f"scheduler = {rise}", _STEP])
    rest = f"{steps - WarmUp(share).steps(steps)}" if steps else f"{total} - {warm}"
    return "\n".join(
        [
            *lines,
            f"warm_up = {rise}",
            f"decay = lr_scheduler.CosineAnnealingLR(optimizer, T_max={rest})",
            "scheduler = lr_scheduler.SequentialLR(",
            f"    optimizer, [warm_up, decay], milestones=[{warm}]",
            ")",
            _STEP,
        ]
    )


_STEP = "# call scheduler.step() after each optimizer.step()"
