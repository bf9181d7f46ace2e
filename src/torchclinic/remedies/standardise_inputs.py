"""A standardising layer in front of the model, fitted to the training inputs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn

from torchclinic.core import Case, Change, InputFacts, NotApplicable, Recipe, SurgeryError
from torchclinic.nn import Standardise
from torchclinic.nn.standardise import channel_statistics
from torchclinic.remedies._base import BaseRemedy
from torchclinic.remedies._edited_model import edit_model
from torchclinic.remedies._edited_optimizer import keep_reach
from torchclinic.remedies._place import Place
from torchclinic.remedies._registry import register
from torchclinic.remedies._rows import statistics_rows
from torchclinic.remedies._sample import Sample, split
from torchclinic.remedies.surgery import alike

STANDARD_MEAN = 0.05  # standard deviations; closer to 0 nothing is gained
STANDARD_STD = (0.9, 1.1)


@dataclass(frozen=True)
class StandardiseFirst:
    """Put `Standardise(mean, std)` in front; the statistics are nested lists of numbers."""

    mean: Any
    std: Any
    place: Place = Place.MODEL

    def __call__(self, model: nn.Module, sample: Sample | None) -> nn.Module:  # noqa: ARG002
        """The model behind the layer."""
        layer = alike(Standardise(self.mean, self.std), model)
        return nn.Sequential(layer, model).train(model.training)


@register
class StandardiseInputs(BaseRemedy):
    """Standardise the inputs with the statistics of the training rows, inside the model.

    Tables and sequences by feature, images by channel. A constant feature is only centred, and
    values beyond ten standard deviations are cut off.
    """

    name = "standardise-inputs"
    title = "Inputs standardised with training statistics"
    reason = "inputs of mean 0 and variance 1 keep the first layer's gradient well conditioned"
    source = "LeCun et al. 1998, Efficient BackProp, section 4.3, doi 10.1007/3-540-49430-8_2"
    place = Place.MODEL

    def propose(self, recipe: Recipe, case: Case) -> Change | NotApplicable:  # noqa: ARG002
        """Applies to one real-valued input tensor that is not standard already."""
        facts = case.batch.inputs if case.batch else None
        if case.recipe is not None and case.recipe.model.embedding:
            return NotApplicable("the inputs are token numbers")
        if facts is None:
            return NotApplicable("the inputs are not known")
        if facts.kind == "tokens" or facts.std is None:
            return NotApplicable(f"inputs of kind {facts.kind!r} have no mean to subtract")
        if _is_standard(facts):
            return NotApplicable("the inputs are standardised already")
        dim = _channel_dim(facts)
        code = (
            "from torch import nn\nfrom torchclinic.nn import Standardise\n\n"
            f"model = nn.Sequential(Standardise.fit(train_inputs, channel_dim={dim}), model)"
        )
        return self.change(partial(_standardise, channel_dim=dim), code)


def _standardise(recipe: Recipe, channel_dim: int | None) -> Recipe:
    rows = statistics_rows(recipe.splits.train)
    inputs = None if rows is None else split(rows)[0]
    if not isinstance(inputs, Tensor):
        raise SurgeryError(
            f"the inputs are {type(inputs).__name__}, not one tensor",
            hint="put torchclinic.nn.Standardise in front of the input that is meant",
        )
    mean, std = channel_statistics(inputs, channel_dim)
    return edit_model(keep_reach(recipe), StandardiseFirst(mean.tolist(), std.tolist()))


def _is_standard(facts: InputFacts) -> bool:
    means = facts.channel_means or (facts.mean or 0.0,)
    stds = facts.channel_stds or (facts.std or 0.0,)
    low, high = STANDARD_STD
    return all(abs(m) < STANDARD_MEAN for m in means) and all(low < s < high for s in stds)


def _channel_dim(facts: InputFacts) -> int | None:
    """Of a batch: `facts.shape` counts the rows first."""
    dims = len(facts.shape)
    if facts.kind == "image":
        return 1 if dims >= 4 else None
    return -1 if dims in (2, 3) else None
