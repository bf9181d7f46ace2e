"""Which activation follows each layer, read from the model's forward without running it."""

from __future__ import annotations

from torch import Tensor, fx, nn
from torch.nn.parameter import is_lazy

from torchclinic.core import SurgeryError
from torchclinic.functional import activation_name
from torchclinic.graph import is_norm, layer_kind, trace
from torchclinic.graph.layer_kinds import MAPS

# What changes neither which numbers there are nor what they mean: an activation may come after it.
_MODULES = (
    nn.Flatten,
    nn.Unflatten,
    nn.Identity,
    nn.modules.dropout._DropoutNd,
    nn.modules.pooling._MaxPoolNd,
    nn.modules.pooling._AvgPoolNd,
    nn.modules.pooling._AdaptiveAvgPoolNd,
    nn.modules.pooling._AdaptiveMaxPoolNd,
)
_SHAPES = frozenset(
    {"flatten", "unflatten", "view", "reshape", "permute", "transpose", "contiguous", "squeeze"}
) | {"unsqueeze", "clone", "movedim", "swapaxes", "to", "float"}
_LAYERS = ("dropout", "max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool")
_SUMS = frozenset({"add", "add_", "iadd", "sub"})
_NORMS = frozenset({"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"})

Activation = str | nn.Module


def traced_activations(model: nn.Module) -> dict[str, Activation]:
    """Layer name -> the activation that its output goes into, from a torch.fx trace.

    Norms, dropout, pooling and changes of shape are looked through, and sums too where nothing else
    comes. A layer whose output goes into several different activations, or into none, is not
    listed; nothing is where the forward cannot be traced.

    Returns:
        Names of functions, and modules where the activation is one.

    >>> traced_activations(nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.Tanh(), nn.Linear(2, 1)))
    {'0': Tanh()}
    """
    if any(is_lazy(parameter) for parameter in model.parameters()):
        return {}
    try:
        graph = trace(model)
    except SurgeryError:
        return {}
    found: dict[str, Activation] = {}
    for node in graph.graph.nodes:
        if node.op == "call_module" and layer_kind(_module(graph, node)) in MAPS:
            after = _after(graph, node, frozenset()) or _after(graph, node, _SUMS)
            if len({_key(each) for each in after}) == 1:
                found[str(node.target)] = after[0]
    return found


def _after(graph: fx.GraphModule, node: fx.Node, more: frozenset[str]) -> list[Activation]:
    """Activations ahead of a node, through what is looked through and through `more`."""
    found: list[Activation] = []
    waiting, seen = list(node.users), set[fx.Node]()
    while waiting:
        user = waiting.pop()
        if user in seen:
            continue
        seen.add(user)
        activation = _activation(graph, user)
        if activation is not None:
            found.append(activation)
        elif _looked_through(graph, user) or _name(user) in more:
            waiting += user.users
    return found


def _activation(graph: fx.GraphModule, node: fx.Node) -> Activation | None:
    if node.op == "call_module":
        module = _module(graph, node)
        found: Activation | None = module if activation_name(module) is not None else None
    elif node.op == "call_function":
        found = activation_name(node.target)
    elif node.op == "call_method":
        found = activation_name(getattr(Tensor, str(node.target), None))
    else:
        return None
    return "silu" if found is not None and _times_its_input(node, found) else found


def _times_its_input(node: fx.Node, activation: Activation) -> bool:
    """Whether x * sigmoid(x) is written out."""
    name = activation if isinstance(activation, str) else activation_name(activation)
    users = list(node.users)
    return (
        name == "sigmoid"
        and len(users) == 1
        and _name(users[0]) in ("mul", "mul_", "imul")
        and set(node.all_input_nodes) <= set(users[0].all_input_nodes)
    )


def _looked_through(graph: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == "call_module":
        module = _module(graph, node)
        return isinstance(module, _MODULES) or is_norm(layer_kind(module) or "")
    if node.op not in ("call_method", "call_function"):
        return False
    name = _name(node)
    return name in _SHAPES or name in _NORMS or name.rstrip("d123") in _LAYERS


def _name(node: fx.Node) -> str:
    return str(getattr(node.target, "__name__", node.target))


def _module(graph: fx.GraphModule, node: fx.Node) -> nn.Module:
    return graph.get_submodule(str(node.target))


def _key(activation: Activation) -> str:
    return str(activation)
