"""A study as text and as a picture."""

from torchclinic.study.showing.table import Table

__all__ = ["Table"]
