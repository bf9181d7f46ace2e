"""Groups of codes that follow from the same kinds of cause."""

from __future__ import annotations

LEARNING_CURVES = (
    *("CRV101", "CRV102", "CRV104", "CRV105"),
    *("WIR104", "WIR111", "WIR113"),
    "DAT113",  # where a trained model never answers a class
)
NUMERICS = ("GRD101", "GRD102", "GRD103", "NUM101", "ACT101", "LRN101", "LRN102", "REG101")
INITIAL = (
    *("INI102", "INI103", "INI104", "INI105", "INI106", "INI107", "INI108"),
    "LOS105",
)
EVERYTHING_LATER = (*INITIAL, *NUMERICS, *LEARNING_CURVES, "CRV103", "WIR102", "WIR110")
