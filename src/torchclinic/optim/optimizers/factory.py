"""OptimizerFactory: a partial of an optimizer class that says its name."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch.optim import Optimizer


class OptimizerFactory(partial[Optimizer]):
    """`factory(params) -> optimizer`, as `Recipe.optimizer` wants it.

    A `functools.partial` of the optimizer's class, with its options as `keywords`; it can be
    pickled and compared.

    >>> from torchclinic.optim import make
    >>> factory = make("adamw", lr=0.01)
    >>> factory, factory == make("adamw", lr=0.01)
    (make('adamw', lr=0.01), True)
    """

    name: str

    def but(self, **options: Any) -> OptimizerFactory:
        """The same optimizer with other options.

        >>> from torchclinic.optim import make
        >>> make("sgd", lr=0.1).but(lr=0.2)
        make('sgd', lr=0.2)
        """
        from torchclinic.optim.optimizers.make import make

        found = make(self.name, **{**self.keywords, **options})
        assert isinstance(found, OptimizerFactory)
        return found

    def __repr__(self) -> str:
        return f"make({', '.join([repr(self.name), *_written(self.keywords)])})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OptimizerFactory):
            return NotImplemented
        return (self.func, self.keywords) == (other.func, other.keywords)

    def __hash__(self) -> int:
        return hash((self.func, repr(sorted(self.keywords.items()))))


def _written(options: dict[str, Any]) -> list[str]:
    return [f"{name}={value!r}" for name, value in options.items()]
