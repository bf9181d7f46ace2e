"""The flow of values through one forward pass: operations, and which tensor came out of which."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, nn

from torchclinic.graph.op_kinds import Role


@dataclass(frozen=True)
class Op:
    """An operation of the forward pass.

    Attributes:
        index: Its place in the order of execution.
        name: Torch's plain name ("add", "relu"), or a layer's kind.
        role: What it does to the flow of values.
        inputs: Indices of the operations whose values, made from the model's inputs, go into it.
        scope: Qualified name of the module in whose forward it ran, "" outside of all.
        layer: Name of the weighted layer that it is, or None.
        activation: Name of the activation that it is, or None.
        module: Qualified name of the activation module that ran it, None for a function call.
        parameters: Names of bare parameters that go into it.
        shape: Of its (first) output.
    """

    index: int
    name: str
    role: Role
    inputs: tuple[int, ...] = ()
    scope: str = ""
    layer: str | None = None
    activation: str | None = None
    module: str | None = None
    parameters: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()


@dataclass
class Flow:
    """Operations so far, and what is known of each live tensor.

    Tensors are followed by identity; all of them are kept alive so that no id is used twice.

    Attributes:
        parameter_names: id of a parameter -> its qualified name.
        ops: Operations in order.
    """

    parameter_names: dict[int, str]
    ops: list[Op] = field(default_factory=list[Op])
    _op_of: dict[int, int] = field(default_factory=dict[int, int])
    _constants: dict[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
    _alive: list[Tensor] = field(default_factory=list[Tensor])

    def add(self, name: str, role: Role, inputs: tuple[int, ...] = (), **facts: object) -> Op:
        """Append an operation."""
        op = Op(len(self.ops), name, role, tuple(dict.fromkeys(inputs)), **facts)  # type: ignore[arg-type]
        self.ops.append(op)
        return op

    def produced(self, tensors: list[Tensor], op: Op) -> None:
        """Say that `tensors` came out of `op`; several get an operation "part" each."""
        for tensor in tensors:
            source = op
            if len(tensors) > 1:
                shape = tuple(tensor.shape)
                source = self.add("part", Role.SHAPE, (op.index,), scope=op.scope, shape=shape)
            self._op_of[id(tensor)] = source.index
            self._constants.pop(id(tensor), None)
            self._alive.append(tensor)

    def constant(self, tensors: list[Tensor], parameters: tuple[str, ...]) -> None:
        """Say that `tensors` do not depend on the model's inputs, only on `parameters`."""
        for tensor in tensors:
            self._op_of.pop(id(tensor), None)
            self._constants[id(tensor)] = parameters
            self._alive.append(tensor)

    def known(self, tensor: Tensor) -> bool:
        """Whether it is clear where the tensor comes from."""
        return id(tensor) in self._op_of or self._is_constant(tensor)

    def declare_input(self, tensor: Tensor) -> None:
        """Take a tensor that is given to the model as an input, whoever made it."""
        if id(tensor) not in self._op_of and id(tensor) not in self.parameter_names:
            self.produced([tensor], self.add("input", Role.INPUT, shape=tuple(tensor.shape)))

    def source(self, tensor: Tensor) -> int | None:
        """Index of the operation that made the tensor, None if it does not depend on the inputs."""
        found = self._op_of.get(id(tensor))
        if found is None and not self._is_constant(tensor) and tensor.grad_fn is not None:
            # made by something that torch does not let us see
            self.produced([tensor], self.add("unseen", Role.OTHER, shape=tuple(tensor.shape)))
            found = self._op_of[id(tensor)]
        return found

    def sources(self, tensors: list[Tensor]) -> tuple[int, ...]:
        """Indices of the operations that made those tensors that depend on the inputs."""
        found = (self.source(tensor) for tensor in tensors)
        return tuple(index for index in found if index is not None)

    def parameters_in(self, tensors: list[Tensor]) -> tuple[str, ...]:
        """Names of the parameters from which those tensors that are constant were made."""
        names: list[str] = []
        for tensor in tensors:
            own = self.parameter_names.get(id(tensor))
            names.extend((own,) if own else self._constants.get(id(tensor), ()))
        return tuple(dict.fromkeys(names))

    def _is_constant(self, tensor: Tensor) -> bool:
        return (
            id(tensor) in self._constants
            or id(tensor) in self.parameter_names
            or isinstance(tensor, nn.Parameter)
        )
