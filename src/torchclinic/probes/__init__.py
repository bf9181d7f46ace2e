"""Instruments on a live model, one a file. They know nothing of rules."""
