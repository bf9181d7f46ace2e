"""The curves of a study for TensorBoard: one line an arm."""

from __future__ import annotations

import math
from pathlib import Path

from torchclinic.core import OutputError, StudyResult
from torchclinic.study.exporting.needs import need
from torchclinic.study.showing.bands import band


def write_tensorboard(result: StudyResult, folder: Path) -> None:
    """Write the mean over the seeds of each curve, one run of TensorBoard an arm.

    Tags are "loss/validation", "accuracy/validation" and so on. With two seeds or more the lowest
    and the highest value stand beside the mean under "band/...". Values that are not finite are
    left out.

    Args:
        result: The study.
        folder: What `tensorboard --logdir` is given; an arm's log lies in a folder of its name.

    Raises:
        UsageError: When tensorboard is not installed.
        OutputError: If it cannot be written.
    """
    need("tensorboard", "tensorboard")
    from torch.utils.tensorboard.writer import SummaryWriter

    for arm in result.arms:
        place = folder / _folder(arm.name)
        if place.exists():
            raise OutputError(
                f"{str(place)!r} is there already",
                hint="TensorBoard would mix the two: choose another folder",
            )
        kinds = {(c.split, c.quantity) for c in result.curves if c.arm == arm.name}
        try:
            with SummaryWriter(str(place)) as writer:
                for split, quantity in sorted(kinds):
                    _write(writer, result, arm.name, split, quantity)
        except OSError as error:
            raise OutputError(
                f"{str(place)!r} cannot be written: {error}", hint="choose another folder"
            ) from error


def _write(writer, result, arm, split, quantity) -> None:  # noqa: ANN001 - as band takes them
    name = result.metric if quantity == "metric" else "loss"
    several = len(result.seeds) > 1
    for step, mean, low, high in zip(*band(result, arm, split, quantity), strict=True):
        lines = {f"{name}/{split}": mean}
        if several:
            lines |= {f"band/{name}/{split}/low": low, f"band/{name}/{split}/high": high}
        for tag, value in lines.items():
            if math.isfinite(value):
                writer.add_scalar(tag, value, int(step))


def _folder(arm: str) -> str:
    """The arm's name as a folder's name."""
    return "".join(c if c.isalnum() or c in " ._+=-" else "_" for c in arm).strip(" .") or "arm"
