"""The HTML report: one file, inline figures, no network."""
