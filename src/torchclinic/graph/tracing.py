"""Tracing a model's forward with torch.fx, so that it can be changed where it is written."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F  # noqa: N812 - the name that everybody knows it by

from torchclinic.core import SurgeryError
from torchclinic.graph.undisturbed import undisturbed

_DROPOUTS: dict[Any, type[nn.Module]] = {
    F.dropout: nn.Dropout,
    F.dropout1d: nn.Dropout1d,
    F.dropout2d: nn.Dropout2d,
    F.dropout3d: nn.Dropout3d,
    F.alpha_dropout: nn.AlphaDropout,
    F.feature_alpha_dropout: nn.FeatureAlphaDropout,
}
# Packages whose modules are single layers; those of `torchclinic.nn` itself hold layers of others.
_LAYERS = ("torchclinic.nn.dropout.", "torchclinic.nn.normalisation.")


def trace(model: nn.Module) -> fx.GraphModule:
    """The model as a torch.fx graph that shares its parameters and submodules.

    Functional dropout becomes a module, because a graph would keep the mode in which it was traced.

    Args:
        model: The model; it is left as it was.

    Returns:
        A graph module that computes the same.

    Raises:
        SurgeryError: With the tracer's reason, when the forward depends on the values or the sizes
            of its inputs, or does something else in training than in evaluation mode.

    >>> graph = trace(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    >>> [node.op for node in graph.graph.nodes]
    ['placeholder', 'call_module', 'call_module', 'output']
    """
    with undisturbed(model):
        training = _traced(model.train())
        evaluating = _traced(model.eval())
    _lift_dropout(training, evaluating, model.training)
    if _signature(training) != _signature(evaluating) or not _same_constants(training, evaluating):
        raise SurgeryError(
            f"the forward of {type(model).__name__} does something else each time or in each mode",
            hint="move what depends on self.training or on chance into a module of its own",
        )
    training.training = model.training
    return training


class _Tracer(fx.Tracer):
    """Layers of this package count as one operation, as torch's own do."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        ours = type(m).__module__.startswith(_LAYERS)
        return ours or super().is_leaf_module(m, module_qualified_name)


def _traced(model: nn.Module) -> fx.GraphModule:
    known = set(vars(model))
    try:
        tracer = _Tracer()
        graph = fx.GraphModule(model, tracer.trace(model), type(model).__name__)
    except Exception as error:  # the forward is the user's and may raise anything
        reason = str(error).strip().split("\n", maxsplit=1)[0]
        raise SurgeryError(
            f"torch.fx cannot trace {type(model).__name__}: {type(error).__name__}: {reason}",
            hint="write the forward without branches or loops over the values of tensors",
        ) from error
    finally:
        for name in set(vars(model)) - known:  # where torch.fx keeps constants
            delattr(model, name)
    return graph


def _lift_dropout(training: fx.GraphModule, evaluating: fx.GraphModule, mode: bool) -> None:
    """In both graphs, make a module of each functional dropout that is on in training alone."""
    pairs = zip(list(training.graph.nodes), list(evaluating.graph.nodes), strict=False)
    for node, twin in pairs:
        kind = _DROPOUTS.get(node.target) if node.op == "call_function" else None
        if (
            kind is not None
            and node.target is twin.target
            and (_is_on(node), _is_on(twin))
            == (
                True,
                False,
            )
        ):
            _replace(training, node, kind, mode)
            _replace(evaluating, twin, kind, mode)
    training.recompile()
    evaluating.recompile()


def _is_on(node: fx.Node) -> Any:
    return node.args[2] if len(node.args) > 2 else node.kwargs.get("training", True)


def _replace(graph: fx.GraphModule, node: fx.Node, kind: type[nn.Module], mode: bool) -> None:
    p = node.args[1] if len(node.args) > 1 else node.kwargs.get("p", 0.5)
    name = f"{node.name}_module"
    graph.add_submodule(name, kind(p).train(mode))
    with graph.graph.inserting_after(node):
        lifted = graph.graph.call_module(
            name, (node.args[0] if node.args else node.kwargs["input"],)
        )
    node.replace_all_uses_with(lifted)
    graph.graph.erase_node(node)


def _signature(graph: fx.GraphModule) -> list[tuple[Any, ...]]:
    return [
        (n.op, str(n.target), str(n.args), str(n.kwargs))
        for n in graph.graph.nodes
        if n.op != "get_attr"
    ]


def _same_constants(training: fx.GraphModule, evaluating: fx.GraphModule) -> bool:
    """Whether the values that the tracer froze into both graphs are the same."""
    pairs = zip(training.graph.nodes, evaluating.graph.nodes, strict=True)
    found = [(_constant(training, a), _constant(evaluating, b)) for a, b in pairs]
    return all(a is b or (a is not None and b is not None and torch.equal(a, b)) for a, b in found)


def _constant(graph: fx.GraphModule, node: fx.Node) -> Tensor | None:
    value = getattr(graph, str(node.target), None) if node.op == "get_attr" else None
    return value.detach() if isinstance(value, Tensor) else None
