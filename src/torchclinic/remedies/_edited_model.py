"""A model factory that builds the user's model and then changes it."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import nn

from torchclinic.core import Recipe, SurgeryError
from torchclinic.core.recipe import ModelFactory
from torchclinic.remedies._place import Place
from torchclinic.remedies._rows import first_tensor
from torchclinic.remedies._sample import Sample, sample_of


class Edit(Protocol):
    """A change of a built model. Frozen and comparable, so that it is performed only once.

    Attributes:
        place: When it is performed, relative to other edits.
    """

    @property
    def place(self) -> Place: ...

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:
        """Change `model` in place or return another; SurgeryError if it cannot be changed."""
        ...


@dataclass(frozen=True, eq=False)
class EditedModel:
    """`factory() -> module`: the base model with the edits made on it, in the order of places.

    Random numbers that an edit draws come from the generators that are current when it is called,
    as the base model's do.

    Attributes:
        base: The user's factory or module.
        edits: What is done to what it builds.
        sample: Rows to run the model on; None where there are none.
    """

    base: ModelFactory | nn.Module
    edits: tuple[Edit, ...]
    sample: Sample | None = field(default=None, repr=False)

    def __call__(self) -> nn.Module:
        """Build and edit.

        Raises:
            SurgeryError: If an edit cannot be made, or the edited model does not run.
        """
        model = copy.deepcopy(self.base) if isinstance(self.base, nn.Module) else self.base()
        before = self._output(model) if self.sample else None
        for edit in sorted(self.edits, key=lambda edit: edit.place):
            model = edit(model, self.sample)
        if before is not None:
            _same_shape(before, self._output(model))
        return model

    def and_then(self, edit: Edit) -> EditedModel:
        """With one edit more, unless it is there already."""
        if edit in self.edits:
            return self
        return dataclasses.replace(self, edits=(*self.edits, edit))

    def _output(self, model: nn.Module) -> Any:
        return first_tensor(self.sample.run(model)) if self.sample else None


def edit_model(recipe: Recipe, edit: Edit) -> Recipe:
    """The recipe with `edit` made on its model whenever that is built."""
    model = recipe.model
    if not isinstance(model, EditedModel):
        model = EditedModel(model, (), sample_of(recipe))
    return recipe.replace(model=model.and_then(edit))


def _same_shape(before: Any, after: Any) -> None:
    if after is None or before.shape != after.shape:
        shape = None if after is None else tuple(after.shape)
        raise SurgeryError(
            f"the edited model's output has shape {shape} instead of {tuple(before.shape)}"
        )
