"""All changes as one piece of code to paste."""

from __future__ import annotations

from collections.abc import Sequence

from torchclinic.core import AppliedChange
from torchclinic.remedies._code import split_imports
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import REMEDIES
from torchclinic.remedies._treat import treat_code

NEW_ACTIVATIONS = (
    "relu-activations",
    "leaky-activations",
    "insert-activation",
    "remove-inner-softmax",
)
_REBUILD = (
    "# create the optimizer after this point, so that it holds the changed model's parameters"
)


def write_patch(recipe_changes: Sequence[AppliedChange]) -> str:
    r"""The code of all changes: imports once, then each change in the order of a script.

    Data first, then the model's layers, their weights, the loss, the optimizer, the schedule and
    what belongs into the loop. Changes of one part keep their order.

    Args:
        recipe_changes: As they stand on a repaired recipe.

    Returns:
        Python text that uses `model`, `loss_fn`, `optimizer`, `train_inputs` and `train_targets`;
        "" without a change.

    >>> change = AppliedChange("x", "Half the batch", code="import math\n\nbatch_size = 16")
    >>> print(write_patch([change]))
    import math
    <BLANKLINE>
    # Half the batch
    batch_size = 16
    """
    ordered = sorted((change for change in recipe_changes if change.code), key=_place)
    if not ordered:
        return ""
    imports: dict[str, None] = {}
    blocks: list[str] = []
    for change in ordered:
        lines, body = split_imports(_current(change, recipe_changes))
        imports.update(dict.fromkeys(lines))
        blocks.append(f"# {change.title}\n{body}")
    if _needs_new_optimizer(ordered):
        at = sum(_place(change) <= Place.OUTPUT_WEIGHTS for change in ordered)
        blocks.insert(at, _REBUILD)
    return "\n\n".join([*(["\n".join(_sorted(imports))] if imports else []), *blocks])


def _current(change: AppliedChange, changes: Sequence[AppliedChange]) -> str:
    """The change's code; by the remedy itself where a later change gives layers new activations.

    Weights are filled last and for the activations that are there by then.
    """
    later = changes[list(changes).index(change) + 1 :]
    outdated = any(other.remedy in NEW_ACTIVATIONS for other in later)
    return (
        treat_code(change.remedy) if outdated and _place(change) is Place.WEIGHTS else change.code
    )


def _place(change: AppliedChange) -> Place:
    if change.remedy not in REMEDIES:
        return Place.LOOP
    return getattr(REMEDIES[change.remedy], "place", Place.LOOP)


def _needs_new_optimizer(changes: Sequence[AppliedChange]) -> bool:
    """Whether the model changes and nothing after it creates the optimizer."""
    changed = any(_place(change) is Place.MODEL for change in changes)
    return changed and not any("optimizer = " in change.code for change in changes)


def _sorted(imports: dict[str, None]) -> list[str]:
    """The standard library first, then torch, then torchclinic."""

    def rank(line: str) -> tuple[int, str]:
        module = line.split()[1].partition(".")[0]
        group = {"torch": 1, "torchclinic": 2}.get(module, 0)
        return group + 1 if group else 0, line.removeprefix("from ").removeprefix("import ")

    return sorted(imports, key=rank)
