"""An entry of the corpus: a small training and what an expert would say of it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from torchclinic.core import Recipe


@dataclass(frozen=True)
class Entry:
    """A training with its expected diagnosis.

    Attributes:
        name: Unique.
        recipe_factory: Builds the recipe.
        expected: Codes that an expert would accept as the root cause; () for a healthy training.
        spec: Whether the specification tells of this training.
        sane: Score on the test set (see `corpus.bare.score`) that a healthy training reaches.
        base: Healthy training that a fault was put into.
        harm: How much lower the score of the faulty training is than that of its base, at least.
        why: What is wrong, or why it is fine.
    """

    name: str
    recipe_factory: Callable[[], Recipe]
    expected: tuple[str, ...] = ()
    spec: bool = False
    sane: float | None = None
    base: Callable[[], Recipe] | None = None
    harm: float = 0.02
    why: str = ""

    @property
    def half(self) -> str:
        """Half of the corpus it belongs to, decided by its name alone."""
        digest = hashlib.sha256(self.name.encode()).digest()
        return "calibration" if digest[0] % 2 == 0 else "held_out"

    def __str__(self) -> str:
        return self.name
