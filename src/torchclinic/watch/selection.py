"""Which layers a watch reads: chosen by globs, from the modules and the bare parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import UninitializedParameter

from torchclinic.core.errors import UsageError
from torchclinic.graph.layer_kinds import layer_kind, unit_dim
from torchclinic.watch.modules import clean_name, own_parameters, walk
from torchclinic.watch.target import Target

_LISTED = 12  # names quoted in an error before it says "and n more"


@dataclass(frozen=True)
class Globs:
    """Patterns over layer names; one that starts with ! takes out again.

    A pattern with wildcards finds layers with parameters; a module without any is watched when a
    pattern is its exact name.

    >>> Globs.of(["*", "!head"]).find("head"), Globs.of("conv*, fc").find("conv1")
    (False, True)
    """

    include: tuple[str, ...]
    exclude: tuple[str, ...]

    @classmethod
    def of(cls, layers: str | Sequence[str]) -> Globs:
        """From one string, with commas between patterns, or several."""
        parts = layers.split(",") if isinstance(layers, str) else list(layers)
        patterns = [part.strip() for part in parts if part.strip()]
        if not patterns:
            raise UsageError(f"layers={layers!r} names no layer", hint='use "*" for all')
        exclude = tuple(pattern[1:] for pattern in patterns if pattern.startswith("!"))
        include = tuple(pattern for pattern in patterns if not pattern.startswith("!"))
        return cls(include or ("*",), exclude)

    def find(self, name: str) -> bool:
        """Whether a layer of that name is chosen."""
        return any(fnmatchcase(name, p) for p in self.include) and not any(
            fnmatchcase(name, p) for p in self.exclude
        )

    def unmatched(self, names: Iterable[str]) -> tuple[str, ...]:
        """The including patterns that find none of these names."""
        known = list(names)
        return tuple(p for p in self.include if not any(fnmatchcase(n, p) for n in known))


def module_targets(model: nn.Module, globs: Globs) -> list[Target]:
    """The chosen modules, in the order of definition.

    Args:
        model: The unwrapped model.
        globs: Which.

    Returns:
        Targets numbered from 0; those of compiled and scripted modules have no output to read.
    """
    targets: list[Target] = []
    for name, module, closed in walk(model):
        parameters = own_parameters(module)
        kind = _kind(module)
        layer = kind is not None and bool(parameters or _waits(module))
        if globs.find(name) and (layer or name in globs.include):
            shown = kind or type(module).__name__
            targets.append(
                Target(
                    len(targets),
                    name,
                    shown,
                    parameters,
                    module=module,
                    no_output=closed,
                    unit_dim=unit_dim(shown),
                )
            )
    return targets


def bare_parameters(model: nn.Module) -> dict[str, tuple[nn.Module, str, nn.Parameter]]:
    """Parameters that no layer of a known kind owns: name -> (owner, its name there, parameter)."""
    found: dict[str, tuple[nn.Module, str, nn.Parameter]] = {}
    for name, module, _ in walk(model):
        if _kind(module) is None:
            for own, parameter in own_parameters(module).items():
                found[clean_name(f"{name}.{own}" if name else own)] = (module, own, parameter)
    return found


def no_match(globs: Globs, names: Sequence[str]) -> UsageError:
    """The error for patterns that find nothing, with the names there are."""
    shown = ", ".join(names[:_LISTED])
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    pattern = ", ".join((*globs.include, *(f"!{p}" for p in globs.exclude)))
    return UsageError(f"layers={pattern!r} matches no layer", hint=f"the layers are: {shown}{more}")


def _kind(module: nn.Module) -> str | None:
    scripted = getattr(module, "original_name", None)  # what torch.jit keeps of the class
    if isinstance(scripted, str):
        return scripted if own_parameters(module) else None
    return layer_kind(module)


def _waits(module: nn.Module) -> bool:
    """Whether it is a lazy layer, whose parameters appear with the first batch."""
    return isinstance(module, LazyModuleMixin) and any(
        isinstance(parameter, UninitializedParameter) for parameter in module.parameters()
    )
