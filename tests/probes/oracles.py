"""What each probe should read, in plain numpy and 64 bits."""

import numpy as np

from torchclinic.core.trace import LAYER_STATISTICS

SATURATED_AT, SILENT_AT = 2.5, 0.0


def _rows(values, of):
    return [of(row.astype(np.float64).ravel()) for row in values]


OUTPUT = {
    "activation_mean": lambda v: _rows(v, np.mean),
    "activation_std": lambda v: _rows(v, np.std),
    "activation_min": lambda v: _rows(v, np.min),
    "activation_max": lambda v: _rows(v, np.max),
    "saturated_share": lambda v: _rows(v, lambda x: np.mean(np.abs(x) >= SATURATED_AT)),
}
MAXIMA = {"silent_share": lambda v: _rows(v, lambda x: np.mean(x <= SILENT_AT))}
NORMS = {
    "output_gradient_rms": lambda norm, elements, weight: norm / np.sqrt(elements),
    "gradient_norm": lambda norm, elements, weight: norm,
    "gradient_rms": lambda norm, elements, weight: norm / np.sqrt(elements),
    "weight_norm": lambda norm, elements, weight: norm,
    "update_ratio": lambda norm, elements, weight: norm / weight,
}
ELEMENTS = {
    "nonfinite": lambda layers: [sum(int((~np.isfinite(t)).sum()) for t in row) for row in layers]
}
assert {*OUTPUT, *MAXIMA, *NORMS, *ELEMENTS} == set(LAYER_STATISTICS)
