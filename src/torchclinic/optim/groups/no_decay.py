"""Norms and biases without weight decay."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from torchclinic.graph import is_norm, layer_kind
from torchclinic.optim.groups.globs import matching
from torchclinic.optim.groups.rule import Options, parameter_groups


@dataclass(frozen=True)
class NoDecay:
    """Exempts from weight decay what has fewer than two dimensions, and all of the norms.

    Args:
        more: Globs of further parameters, such as embeddings.
    """

    more: tuple[str, ...] = ()

    def __call__(self, model: nn.Module, options: dict[str, Options]) -> None:
        """Set `weight_decay` to 0 where it applies."""
        exempt = _of_norms(model) | matching(model, self.more).keys()
        exempt |= {name for name, p in model.named_parameters() if p.dim() < 2}
        for name in exempt & options.keys():
            options[name]["weight_decay"] = 0.0


def no_decay_groups(
    model: nn.Module, weight_decay: float, *, more: tuple[str, ...] = ()
) -> list[Options]:
    """Two groups: weights with decay, norms and biases without.

    Args:
        model: Its trainable parameters are grouped.
        weight_decay: Of the weights.
        more: Globs of further parameters without decay, such as embeddings.

    Returns:
        Groups to be given to an optimizer: `AdamW(no_decay_groups(model, 0.01), lr=1e-3)`.

    Raises:
        ModelError: For a model without a trainable parameter.
        UsageError: For a glob that names no parameter.

    Source: He et al. 2019, Bag of Tricks, section 3.1, arXiv 1812.01187.

    >>> groups = no_decay_groups(nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)), 0.01)
    >>> [group["names"] for group in groups]
    [['0.weight'], ['0.bias', '1.weight', '1.bias']]
    """
    return parameter_groups(model, [NoDecay(more)], weight_decay=weight_decay)


def _of_norms(model: nn.Module) -> set[str]:
    return {
        f"{prefix}.{name}".lstrip(".")
        for prefix, module in model.named_modules()
        if is_norm(layer_kind(module) or "")
        for name, _ in module.named_parameters(recurse=False)
    }
