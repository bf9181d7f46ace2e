"""Tensor -> number formulas, stateless."""
