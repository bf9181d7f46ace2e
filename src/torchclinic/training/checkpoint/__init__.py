"""Checkpoints: a killed run goes on from the last one to bitwise the same end."""

from torchclinic.training.checkpoint.file import read_checkpoint, write_checkpoint
from torchclinic.training.checkpoint.fingerprint import check_fingerprint, fingerprint
from torchclinic.training.checkpoint.pack import pack, unpack

__all__ = [
    "check_fingerprint",
    "fingerprint",
    "pack",
    "read_checkpoint",
    "unpack",
    "write_checkpoint",
]
