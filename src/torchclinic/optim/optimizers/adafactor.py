"""Adam's squares as the product of a row and a column, without momentum."""

from __future__ import annotations

from torchclinic.optim.optimizers.kind import OPTIMIZERS, OptimizerKind

ADAFACTOR = OPTIMIZERS.add(
    "adafactor",
    OptimizerKind(
        name="adafactor",
        title="Adafactor",
        formula=(
            r"\hat v_t = \frac{r_t c_t^\top}{\mathrm{mean}(r_t)},\ r_t, c_t \text{ averages "
            r"of row and column means of } g_t^2,\quad w_{t+1} = w_t - \eta_t \frac{g_t / "
            r"\sqrt{\hat v_t}}{\max(1, \mathrm{rms} / d)}"
        ),
        attribute="Adafactor",
        memory=0,
        source="Shazeer and Stern 2018, arXiv 1804.04235",
        state="one number for each row and for each column",
        note="The rate is relative: it is multiplied by the size of the weights.",
    ),
)
