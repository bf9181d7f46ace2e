"""One front door to all initialisers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from torchclinic.core import ModelError, UsageError
from torchclinic.functional import activation_name
from torchclinic.graph import ForwardMap, LayerNode, registered_layers
from torchclinic.init.batch import call, check_finite, recorded
from torchclinic.init.data_scheme import DATA_SCHEMES
from torchclinic.init.following import Activation, traced_activations
from torchclinic.init.gain import gain
from torchclinic.init.painter import Painter
from torchclinic.init.report import InitReport
from torchclinic.init.schemes import HE, LECUN, SCHEMES, XAVIER, Scheme
from torchclinic.init.treatments import Plan, treat

_BOUNDED = frozenset({"tanh", "sigmoid", "softsign", "hardtanh", "hardsigmoid", "tanhshrink"})


def initialize(
    model: nn.Module,
    scheme: str | Scheme = "auto",
    *,
    activation: str | None = "auto",
    inputs: Any = None,
    activations: Mapping[str, str | None] | None = None,
    forward_map: ForwardMap | None = None,
    generator: torch.Generator | None = None,
    output_scale: float = 1.0,
    **options: Any,
) -> InitReport:
    """Fill all trainable parameters of a model in place, each kind of layer in its own way.

    Linear, convolutional and bilinear weights follow the scheme with the gain of the activation
    after them and the true number of inputs (groups, strides and `x @ w` are heeded); the output
    layer gets no gain. Biases are 0. Embeddings, recurrent layers (gate by gate, with a forget gate
    that keeps), attention and norms are treated as their kind needs. Frozen parameters and those
    that no treatment knows are left and reported.

    Which activation follows is taken from `activations`, else from a forward pass (`forward_map`,
    or `inputs` to make one), else from the model's forward as torch.fx traces it, else from the
    order within an nn.Sequential.

    Args:
        model: The model.
        scheme: A name in `SCHEMES` or `DATA_SCHEMES`, a Scheme, or "auto": He after a ReLU and its
            kin, Xavier after a bounded activation and without one, LeCun before a SELU.
        activation: "auto", or one activation for all layers but the output; None for no gain.
        inputs: A batch that the model is called with: one tensor, or a tuple of arguments. The
            schemes "lsuv" and "weight-norm" measure on it.
        activations: Layer name -> the non-linearity that follows (`ForwardMap.activations()`). Bare
            two-dimensional parameters named here are taken for the right factor of `x @ w`.
        forward_map: What a recorded forward pass showed.
        generator: Source of random numbers; None for torch's global one.
        output_scale: What the output layer's weights are multiplied by; 0 makes all logits 0, so
            that the first loss is ln(classes).
        options: Of the scheme: "normal" has std, "uniform" bound, "constant" value, "orthogonal"
            gain, "sparse" sparsity.

    Returns:
        What was done to each parameter.

    Raises:
        UsageError: For a scheme, an option or an activation that does not exist, or a scheme that
            measures without `inputs`.
        ModelError: For a model without a trainable parameter.
        DataError: For inputs that are not finite, where a scheme measures on them.

    Source: He et al. 2015, arXiv 1502.01852; Glorot and Bengio 2010; see `SCHEMES`.

    >>> model = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 1))
    >>> report = initialize(model, generator=torch.Generator().manual_seed(0))
    >>> [(row.parameter, row.method) for row in report.filled][:2]
    [('0.weight', 'He normal, gain 1.41'), ('0.bias', 'constant 0')]
    """
    if not any(p.requires_grad for p in model.parameters()):
        raise ModelError(
            f"{type(model).__name__} has no trainable parameter to initialise",
            hint="model.requires_grad_(True), or on the part that shall be trained",
        )
    if isinstance(scheme, str) and scheme in DATA_SCHEMES:
        return _measured(model, scheme, inputs, generator, options)
    choose = _chooser(scheme, options)
    if forward_map is None and inputs is not None:
        forward_map = recorded(model, inputs)
    told = dict(forward_map.activations() if forward_map else {}) | dict(activations or {})
    nodes = _nodes(model, forward_map, activations or {})
    following = _Following(model, told, activation, traced=forward_map is None)
    painter = Painter(model, generator)
    for node in nodes:
        treat(painter, node, _plan(node, choose, following, output_scale), model)
    _shifts(painter, model, forward_map)
    return painter.report(model)


def auto(activation: str | None) -> Scheme:
    """The scheme that fits what follows.

    >>> auto("relu").name, auto("tanh").name, auto("selu").name, auto(None).name
    ('he', 'xavier', 'lecun', 'xavier')
    """
    if activation == "selu":
        return LECUN
    return XAVIER if activation is None or activation in _BOUNDED else HE


class _Following:
    """Which activation follows a layer, from the best source that knows of it."""

    def __init__(
        self, model: nn.Module, told: dict[str, str | None], forced: str | None, *, traced: bool
    ) -> None:
        if forced is not None and forced != "auto":
            gain(forced)  # tells what is known
        self._model, self._told, self._forced = model, told, forced
        self._traced = traced_activations(model) if traced and forced == "auto" else {}

    def __call__(self, node: LayerNode) -> Activation | None:
        if self._forced != "auto":
            return self._forced
        if node.name in self._told:
            name = self._told[node.name]
            module = self._module(node.activation_module)
            same = module is not None and activation_name(module) == name
            return module if same else name
        return self._traced.get(node.name, node.activation)

    def _module(self, name: str | None) -> nn.Module | None:
        return self._model.get_submodule(name) if name is not None else None


def _plan(
    node: LayerNode,
    choose: Callable[[str | None], Scheme],
    following: _Following,
    output_scale: float,
) -> Plan:
    if node.output:
        return Plan(choose, scale=output_scale)
    found = following(node)
    if isinstance(found, nn.Module):
        return Plan(choose, activation_name(found), factor=gain(found))
    return Plan(choose, found)


def _measured(
    model: nn.Module,
    scheme: str,
    inputs: Any,
    generator: torch.Generator | None,
    options: dict[str, Any],
) -> InitReport:
    if inputs is None:
        raise UsageError(f"the scheme {scheme!r} measures on data", hint="give inputs=, a batch")
    check_finite(inputs)
    chosen = DATA_SCHEMES[scheme]
    _known_options(scheme, options, chosen.options)
    return chosen.fill(model, lambda m: call(m, inputs), generator=generator, **options)


def _chooser(scheme: str | Scheme, options: dict[str, Any]) -> Callable[[str | None], Scheme]:
    if scheme == "auto":
        _known_options("auto", options, ())
        return auto
    if isinstance(scheme, str) and scheme not in SCHEMES:
        known = ", ".join(["auto", *SCHEMES, *DATA_SCHEMES])
        raise UsageError(f"there is no initialisation scheme {scheme!r}", hint=f"known: {known}")
    chosen = scheme if isinstance(scheme, Scheme) else SCHEMES[scheme]
    if options:
        names = chosen.options()
        _known_options(chosen.name, options, names)
        assert chosen.with_options is not None
        chosen = chosen.with_options(**options)
    return lambda _: chosen


def _known_options(scheme: str, options: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in options.keys() - set(known):
        listed = ", ".join(known) or "none"
        raise UsageError(f"the scheme {scheme!r} has no option {name!r}", hint=f"known: {listed}")


def _nodes(
    model: nn.Module, forward_map: ForwardMap | None, activations: Mapping[str, str | None]
) -> list[LayerNode]:
    """Layers in forward order, then those that the pass did not reach, then named parameters."""
    nodes = list(forward_map.layers) if forward_map else []
    seen = {node.name for node in nodes}
    for node in registered_layers(model):
        if node.name not in seen:
            nodes.append(node)
            seen.add(node.name)
    parameters = dict(model.named_parameters())
    for name, activation in activations.items():
        if name in parameters and name not in seen and parameters[name].dim() == 2:
            weight = parameters[name]
            fans = (weight.shape[0], weight.shape[1])
            node = LayerNode(name, None, "Parameter", len(nodes), weight=weight, fans=fans)
            nodes.append(dataclasses.replace(node, activation=activation, unit_axis=1))
    return nodes


def _shifts(painter: Painter, model: nn.Module, forward_map: ForwardMap | None) -> None:
    """Bare parameters that are added to a bare layer's output are its bias: 0."""
    if forward_map is None:
        return
    bare = {layer.name: layer for layer in forward_map.layers if layer.module is None}
    for op in forward_map.ops:
        behind = forward_map.ops[op.inputs[0]].layer if op.inputs else None
        if op.name == "add" and behind in bare:
            names = op.parameters
        elif op.layer in bare and bare[op.layer].bias and len(op.parameters) == 2:
            names = op.parameters[1:]
        else:
            continue
        for name in names:
            owner, _, attribute = name.rpartition(".")
            painter.constant(model.get_submodule(owner), attribute, 0.0)
