"""ForwardRecorder: watches one real forward pass and says how the layers hang together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from torchclinic.functional import activation_name
from torchclinic.graph.bare_layers import BareLayer, bare_layer
from torchclinic.graph.classify import Call, classify
from torchclinic.graph.flow import Flow, Op
from torchclinic.graph.forward_map import ForwardMap
from torchclinic.graph.layer_kinds import is_norm, layer_kind, runs_as_torch_wrote
from torchclinic.graph.mapping import map_forward
from torchclinic.graph.op_kinds import Role
from torchclinic.graph.tensors import tensors_in

OnOutput = Callable[[str, Tensor], None]
OnOp = Callable[[Op, Tensor], None]


class ForwardRecorder:
    """Records, by the identity of tensors, what happens in a forward pass of `model` inside it.

    It sees modules and functions alike, bare parameters in matrix products, in-place operations,
    shared modules and whatever structure the model returns; compiled modules run uncompiled. It
    changes nothing: no value, no gradient, no random number, and its hooks are gone on exit and on
    exception.

    Args:
        model: The model.
        on_output: Called with the name and output of each weighted layer as soon as it is there
            (before an in-place activation overwrites it); for a bare parameter once more when its
            bias has been added.
        on_op: Called with each operation, layers included, and its first output.

    >>> import torch
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    >>> with ForwardRecorder(model) as recorder:
    ...     _ = model(torch.zeros(4, 2))
    >>> [(layer.name, layer.activation, layer.output) for layer in recorder.result().layers]
    [('0', 'tanh', False), ('2', None, True)]
    """

    def __init__(
        self,
        model: nn.Module,
        on_output: OnOutput | None = None,
        on_op: OnOp | None = None,
    ) -> None:
        self._model = model
        self._on_output = on_output
        self._on_op = on_op
        self._names = {id(module): name for name, module in reversed([*model.named_modules()])}
        self._slots = _slots(model)
        self._flow = Flow({id(p): name for name, p in reversed([*model.named_parameters()])})
        self._bare: dict[str, BareLayer] = {}
        self._stack: list[nn.Module] = []
        self._opaque: list[nn.Module] = []
        self._called: list[Counter[int]] = []  # by each running module
        self._returned: list[Tensor] = []
        self._root_returned = False
        self._handles: list[Any] = []
        self._mode = _Listener(self._after_call, eager=any(map(_is_compiled, model.modules())))

    def __enter__(self) -> ForwardRecorder:
        for module in self._model.modules():
            if isinstance(module, torch.jit.ScriptModule):
                continue  # it takes no hooks
            before = module.register_forward_pre_hook(self._before_module, with_kwargs=True)
            after = module.register_forward_hook(
                self._after_module, with_kwargs=True, always_call=True
            )
            self._handles += [before, after]
        self._mode.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._mode.__exit__(kind, error, traceback)
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    @property
    def returned(self) -> tuple[Tensor, ...]:
        """The tensors that the model returned."""
        return tuple(self._returned)

    def result(self, outputs: Any = None) -> ForwardMap:
        """How the layers hang together.

        Args:
            outputs: What counts as the model's output, such as the tensor that enters the loss;
                what the model returned by default.
        """
        chosen = list(tensors_in(outputs)) or self._returned
        ends = tuple(dict.fromkeys(self._flow.sources(chosen)))
        return map_forward(self._model, tuple(self._flow.ops), ends, self._bare)

    def _before_module(self, module: nn.Module, args: Any, kwargs: Any = None) -> None:
        if not self._handles:
            return  # removed while torch was walking over this module's hooks
        if not self._stack:
            for tensor in tensors_in((args, kwargs)):
                self._flow.declare_input(tensor)
        if self._called:
            self._called[-1][id(module)] += 1
        self._stack.append(module)
        self._called.append(Counter())
        if not self._opaque and _is_opaque(module):
            self._opaque.append(module)

    def _after_module(self, module: nn.Module, args: Any, *rest: Any) -> None:
        if not self._handles:
            return
        kwargs, output = rest
        while self._stack:
            self._called.pop()
            if self._stack.pop() is module:
                break
        if self._opaque and self._opaque[-1] is module:
            self._opaque.pop()
            self._add_layer(module, list(tensors_in((args, kwargs))), list(tensors_in(output)))
        elif not self._opaque:
            self._bridge(module, list(tensors_in((args, kwargs))), list(tensors_in(output)))
        if not self._stack and (module is self._model or not self._root_returned):
            self._root_returned = module is self._model
            self._returned = list(tensors_in(output))

    def _add_layer(self, module: nn.Module, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        if not outputs:
            return  # it raised
        kind, name = layer_kind(module) or "", self._names[id(module)]
        weighted = any(True for _ in module.parameters())
        op = self._flow.add(
            kind,
            Role.NORM if is_norm(kind) else Role.LAYER,
            self._flow.sources(inputs),
            scope=name,
            layer=name if weighted else None,
            shape=tuple(outputs[0].shape),
        )
        self._flow.produced(outputs, op)
        if self._on_op is not None:
            self._on_op(op, outputs[0])
        if weighted:
            self._tell(name, outputs[0])

    def _bridge(self, module: nn.Module, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        """Link outputs that were made in a way that torch does not let us see."""
        unseen = [tensor for tensor in outputs if not self._flow.known(tensor)]
        sources = self._flow.sources(inputs)
        if unseen and sources:
            name = self._names[id(module)]
            op = self._flow.add(type(module).__name__, Role.OTHER, sources, scope=name)
            self._flow.produced(unseen, op)

    def _after_call(self, call: Call, result: Any) -> None:
        if self._opaque:
            return
        outputs = list(tensors_in(call.args[0] if call.name == "setitem" else result))
        if not outputs:
            return
        meaning = classify(call, self._flow)
        if meaning.role is None:
            self._flow.constant(outputs, self._flow.parameters_in(call.tensors))
            return
        bare = bare_layer(call, meaning, self._flow, self._stack, self._names)
        if bare is not None:
            self._bare.setdefault(bare.name, bare)
        op = self._flow.add(
            call.name,
            meaning.role,
            meaning.inputs,
            scope=self._scope(),
            layer=bare.name if bare else None,
            activation=meaning.activation,
            module=self._activation_slot() if meaning.activation else None,
            parameters=self._flow.parameters_in(call.tensors),
            shape=tuple(outputs[0].shape),
        )
        self._produced(call, outputs, op)

    def _produced(self, call: Call, outputs: list[Tensor], op: Op) -> None:
        in_place = call.name == "setitem" or any(t is outputs[0] for t in call.tensors)
        self._flow.produced(outputs, op)
        if self._on_op is not None:
            self._on_op(op, outputs[0])
        base = outputs[0]._base if in_place else None
        if base is not None:  # written through a view
            before = self._flow.sources([base])
            whole = self._flow.add("setitem", Role.SHAPE, (*before, op.index), scope=op.scope)
            self._flow.produced([base], whole)
        layer = op.layer if op.layer is not None else self._biased_layer(op)
        if layer is not None:
            self._tell(layer, outputs[0])

    def _biased_layer(self, op: Op) -> str | None:
        """The bare layer to which this operation adds a bias."""
        if op.role is not Role.AFFINE or op.name != "add" or not op.parameters:
            return None
        layer = self._flow.ops[op.inputs[0]].layer
        return layer if layer in self._bare else None

    def _tell(self, layer: str, output: Tensor) -> None:
        if self._on_output is not None:
            self._on_output(layer, output)

    def _scope(self) -> str:
        return self._names.get(id(self._stack[-1]), "") if self._stack else ""

    def _activation_slot(self) -> str | None:
        """Name under which the activation module that is running stands in this place."""
        running = self._stack[-1] if self._stack else None
        if running is None or activation_name(running) is None:
            return None
        slots = self._slots[id(running)]
        if len(self._stack) < 2:
            return slots[0]
        caller, calls = self._stack[-2], self._called[-2][id(running)]
        own = [
            f"{self._names[id(caller)]}.{name}".lstrip(".") for name in _children(caller, running)
        ]
        found = own or slots
        return found[(calls - 1) % len(found)]


def _children(caller: nn.Module, module: nn.Module) -> list[str]:
    """Names under which a module has another as its child."""
    return [name for name, child in caller._modules.items() if child is module]


class _Listener(TorchFunctionMode):
    """Passes each call of a torch function on, and then tells of it.

    Args:
        tell: Called with the call and its result.
        eager: Whether compiled modules must run as they were written, to be heard.
    """

    def __init__(self, tell: Callable[[Call, Any], None], *, eager: bool) -> None:
        super().__init__()
        self._tell = tell
        self._eager = eager
        self._stance: Any = None

    def __enter__(self) -> _Listener:
        if self._eager:
            self._stance = torch.compiler.set_stance("force_eager")
            self._stance.__enter__()
        super().__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, traceback)
        if self._stance is not None:
            self._stance.__exit__(kind, error, traceback)

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor | tuple | list) or func is Tensor.__setitem__:
            self._tell(Call(func, args, kwargs or {}), result)
        return result


def _is_opaque(module: nn.Module) -> bool:
    kind = layer_kind(module)
    return kind is not None and (runs_as_torch_wrote(module) or kind == type(module).__name__)


def _is_compiled(module: nn.Module) -> bool:
    return hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None


def _slots(model: nn.Module) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        found.setdefault(id(module), []).append(name)
    return found
