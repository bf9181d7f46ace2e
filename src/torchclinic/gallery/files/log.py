"""The TensorBoard log of an experiment."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np

from torchclinic.gallery.outcome import Outcome

FOLDER = "tensorboard"


def write_log(outcome: Outcome, folder: Path, pictures: dict[str, Path]) -> None:
    """Write series as scalars, single numbers under `numbers/` and pictures as images.

    Args:
        outcome: What was found; values that are not finite are left out.
        folder: Of the experiment; an older log in it is replaced.
        pictures: Name -> PNG file.
    """
    from PIL import Image
    from torch.utils.tensorboard import SummaryWriter

    target = folder / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    with SummaryWriter(str(target)) as writer:
        for tag, series in outcome.series.items():
            for step, value in zip(series.steps, series.values, strict=True):
                if math.isfinite(value):
                    writer.add_scalar(tag, value, step)
        for name, value in outcome.numbers.items():
            if isinstance(value, (int, float)) and math.isfinite(value):
                writer.add_scalar(f"numbers/{name}", value, 0)
        for name, file in pictures.items():
            with Image.open(file) as image:
                pixels = np.asarray(image.convert("RGB"))
            writer.add_image(f"pictures/{name}", pixels, dataformats="HWC")
