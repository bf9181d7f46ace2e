"""The arguments of `compare`, checked and brought into one form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torchclinic.core import Recipe, UsageError
from torchclinic.study.arms import Arm
from torchclinic.study.arms.collect import Arms


def chosen_seeds(seeds: int | Iterable[int]) -> tuple[int, ...]:
    """The seeds, from how many or from which.

    Raises:
        UsageError: On none, on one that repeats, or on something that is no whole number.

    >>> chosen_seeds(3), chosen_seeds([7, 5])
    ((0, 1, 2), (7, 5))
    """
    hint = "how many, or a list of whole numbers, each once"
    if isinstance(seeds, bool | str | float):
        raise UsageError(f"seeds is {seeds!r}", hint=hint)
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    if not chosen or len(set(chosen)) < len(chosen):
        raise UsageError(f"seeds is {seeds!r}", hint=hint)
    for seed in chosen:
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise UsageError(f"a seed is {seed!r}", hint=hint)
    return chosen


def chosen_baseline(arms: Sequence[Arm], baseline: str | None) -> str:
    """Name of the baseline: the first arm unless another is named.

    Raises:
        UsageError: When there is no such arm.
    """
    names = [arm.name for arm in arms]
    if baseline is None:
        return names[0]
    if baseline not in names:
        raise UsageError(
            f"the baseline {baseline!r} is no arm", hint=f"one of {', '.join(map(repr, names))}"
        )
    return baseline


def check_numbers(max_steps: int | None, confidence: float) -> None:
    """Insist on numbers that make sense.

    Raises:
        UsageError: When they do not.
    """
    if max_steps is not None and (isinstance(max_steps, bool) or max_steps < 1):
        raise UsageError(f"max_steps is {max_steps!r}", hint="a whole number of at least 1")
    if not 0 < confidence < 1:
        raise UsageError(f"confidence is {confidence!r}", hint="a share such as 0.95")


def study_name(arms: Arms, chosen: Sequence[Arm]) -> str:
    """What a study is called that was given no name."""
    return arms.name if isinstance(arms, Recipe) else " / ".join(arm.name for arm in chosen[:3])
