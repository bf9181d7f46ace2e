"""The exception tree: every error that torchclinic raises on purpose.

```text
TorchclinicError
├── UsageError            wrong call, flag or file name (exit code 2)
│   └── RecipeError       a Recipe that contradicts itself, or a file that holds none
├── DataError             data that cannot be read, is empty or does not fit together
├── ModelError            a model that cannot be built or whose forward pass raises
├── LossError             a loss that is no scalar, needs no gradient or raises
├── TrainingError         a training that cannot go on
│   └── CheckpointError   a checkpoint that is damaged, foreign or cannot be written
├── TraceError            a trace file that is not what it says
├── SurgeryError          a model that cannot be changed in the way that was asked for
├── OutputError           a path that cannot be written
└── RegistryError         two rules, remedies or probes under one name
```
"""

from __future__ import annotations


class TorchclinicError(Exception):
    """Base of all errors: says what is wrong, quotes the value, and names the way out.

    Args:
        message: What is wrong, with the offending value.
        hint: What the user can do about it; empty when the message already says it.

    >>> str(TorchclinicError("batch_size is 0", hint="use 1 or more"))
    'batch_size is 0 (use 1 or more)'
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(TorchclinicError):
    """A call, flag or file name that makes no sense."""


class RecipeError(UsageError):
    """A Recipe that contradicts itself, or a file that holds none."""


class DataError(TorchclinicError):
    """Data that cannot be read, is empty, or does not fit together."""


class ModelError(TorchclinicError):
    """A model that cannot be built or whose forward pass raises."""


class LossError(TorchclinicError):
    """A loss that is not a scalar, needs no gradient, or raises."""


class TrainingError(TorchclinicError):
    """A training that cannot go on."""


class CheckpointError(TrainingError):
    """A checkpoint that is damaged, belongs to another recipe, or cannot be written."""


class TraceError(TorchclinicError):
    """A trace file that is not what it says."""


class SurgeryError(TorchclinicError):
    """A model that cannot be changed in the way that was asked for."""


class OutputError(TorchclinicError):
    """A path that cannot be written."""


class RegistryError(TorchclinicError):
    """Two members of one registry under the same name."""
