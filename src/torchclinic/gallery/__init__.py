"""Experiments of the specification, on the public API only."""
