"""Initialisers that torch lacks, and one front door to all."""
