"""Parse, call, render. Heavy libraries are imported inside the commands."""

from torchclinic.cli.app import main

__all__ = ["main"]
