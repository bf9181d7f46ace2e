"""A recorder that takes many steps at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torchclinic.training.recorder import Recorder


class BulkRecorder(Recorder):
    """Records like its parent, with the values of several steps read back already.

    >>> recorder = BulkRecorder()
    >>> recorder.extend([1.0, float("nan")], [0.1, 0.1], ())
    >>> recorder.steps, recorder.ends_nonfinite
    (2, True)
    """

    def extend(
        self, losses: Sequence[float], rates: Sequence[float], norms: Sequence[float]
    ) -> None:
        """Record as many steps as there are losses."""
        self.losses.extend(losses)
        self.learning_rates.extend(rates)
        self.gradient_norms.extend(norms)
        for loss in losses:
            self._nonfinite = 0 if math.isfinite(loss) else self._nonfinite + 1
