"""Facts about what hangs on what: rows, steps, axes, parameters, chance."""
