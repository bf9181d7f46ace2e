"""How noisy a loss curve is, and whether it swings more than its batches explain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torchclinic.functional.robust import finite, mad_sigma, median
from torchclinic.functional.smoothing import blocks


def step_noise(values: Sequence[float]) -> float:
    r"""Standard deviation of the noise from one value to the next, free of any slow trend.

    $\hat\sigma = 1.4826\,\mathrm{MAD}(x_{t+1} - x_t) / \sqrt 2$

    Returns:
        NaN of fewer than three finite values.

    Source: Rice 1984, doi 10.1214/aos/1176346788 (differences), with the MAD in place of the mean.

    >>> round(step_noise([0.0, 1.0, 0.0, 1.0, 0.0]), 3)
    1.048
    """
    kept = finite(values)
    if len(kept) < 3:
        return math.nan
    differences = [after - before for before, after in pairwise(kept)]
    return mad_sigma(differences) / math.sqrt(2)


def swing(steps: Sequence[int], values: Sequence[float], count: int = 16) -> float:
    r"""How far block averages swing around their own trend, in units of what step noise explains.

    White noise of standard deviation s leaves $s/\sqrt m$ in the mean of m values, so the quotient
    of the two is near 1 for a curve whose only fault is noise, and large for one that oscillates.

    Args:
        steps: Rising.
        values: As many.
        count: Blocks.

    Returns:
        NaN where there are too few values or no noise to compare with.

    >>> import random; r = random.Random(0)
    >>> calm = [r.gauss(1.0, 0.1) for _ in range(320)]
    >>> swing(range(320), calm) < 2
    True
    """
    parts = blocks(steps, values, count)
    noise = step_noise(values)
    if len(parts) < 6 or not noise > 0:
        return math.nan
    levels = [part.level for part in parts]
    bends = [
        (before + after) / 2 - here
        for before, here, after in zip(levels, levels[1:], levels[2:], strict=False)
    ]
    expected = noise * math.sqrt(1.5 / median([float(part.count) for part in parts]))
    return mad_sigma(bends) / expected
