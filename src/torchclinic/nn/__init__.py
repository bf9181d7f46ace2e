"""Layers that torch lacks."""
