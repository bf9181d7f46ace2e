"""Optimizer and schedule building blocks that torch lacks."""
