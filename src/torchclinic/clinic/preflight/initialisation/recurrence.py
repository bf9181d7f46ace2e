"""What the states and gates of recurrent layers do before training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from torchclinic.core.facts import RecurrentFacts
from torchclinic.functional import saturation_threshold
from torchclinic.graph import layer_kind

MOST_STEPS = 200  # of a sequence
LAYERS = ("RNN", "LSTM", "GRU")
CELLS = ("RNNCell", "LSTMCell", "GRUCell")
# Functions of the gates, in the order in which torch stacks their weights.
GATES = {
    "LSTM": ("sigmoid", "sigmoid", "tanh", "sigmoid"),
    "GRU": ("sigmoid", "sigmoid", "tanh"),
}


class RecurrentListener:
    """Notes, while it is entered, what the recurrent layers of a model are given.

    Args:
        model: The model; its layers get hooks, which are gone on exit.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._given: dict[str, list[tuple[Any, ...]]] = {}
        self._handles: list[Any] = []

    def __enter__(self) -> RecurrentListener:
        for name, module in self._model.named_modules():
            if layer_kind(module) in (*LAYERS, *CELLS):
                self._handles.append(module.register_forward_pre_hook(self._noting(name)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()

    def _noting(self, name: str) -> Any:
        def note(_: nn.Module, given: tuple[Any, ...]) -> None:
            calls = self._given.setdefault(name, [])
            if given and len(calls) < MOST_STEPS:
                calls.append(given)

        return note

    def facts(self, embeddings: Mapping[str, str]) -> tuple[RecurrentFacts, ...]:
        """What was noted, in the order of the first call.

        Args:
            embeddings: Name of a layer -> the embedding that it reads.
        """
        found = (
            _facts(name, self._model.get_submodule(name), calls, embeddings.get(name, ""))
            for name, calls in self._given.items()
            if calls
        )
        return tuple(facts for facts in found if facts is not None)


class _Meter:
    """Sums up sizes of pre-activations and states, step by step."""

    def __init__(self, functions: tuple[str, ...]) -> None:
        self.functions = functions
        self.inputs: list[float] = []
        self.from_inputs: list[float] = []
        self.from_state: list[float] = []
        self.flat: list[float] = []
        self.states: list[float] = []

    def note(self, given: Tensor, inputs: Tensor, state: Tensor, gates: Tensor) -> None:
        """One step: what is given, its part and the state's of the gates, and the gates."""
        self.inputs.append(_rms(given))
        self.from_inputs.append(_rms(inputs))
        self.from_state.append(_rms(state))
        parts = gates.chunk(len(self.functions), -1)
        limits = [saturation_threshold(name) for name in self.functions]
        shares = [
            float((part.abs() >= limit).double().mean())
            for part, limit in zip(parts, limits, strict=True)
            if limit is not None
        ]
        if shares:
            self.flat.append(sum(shares) / len(shares))


def _facts(
    name: str, module: nn.Module, calls: list[tuple[Any, ...]], fed_by: str
) -> RecurrentFacts | None:
    layer: Any = module
    kind = layer_kind(module) or ""
    cell = kind in CELLS
    end = "" if cell else "_l0"
    weight = getattr(layer, f"weight_ih{end}").detach().double()
    back = getattr(layer, f"weight_hh{end}").detach().double()
    bias = _bias(layer, end, weight)
    functions = GATES.get(kind.removesuffix("Cell"), (getattr(layer, "nonlinearity", "tanh"),))
    meter = _Meter(functions)
    with torch.no_grad():
        if cell:
            for given in calls:
                _one_call(meter, given, weight, back, bias)
        else:
            sequence = _sequence(calls[0][0], batch_first=layer.batch_first)
            if sequence is None or not len(sequence):
                return None
            project = getattr(layer, "weight_hr_l0", None)
            _whole(meter, sequence, weight, back, bias, project)
    if not meter.inputs:
        return None
    known = [size for size in meter.states if math.isfinite(size)]
    return RecurrentFacts(
        name=name,
        kind=kind,
        steps=len(meter.inputs),
        input_rms=_mean(meter.inputs),
        gain=max(_gains(layer)),
        from_inputs=_mean(meter.from_inputs),
        from_state=_mean(meter.from_state),
        saturated=_mean(meter.flat) if meter.flat else None,
        per_step=_factor(known),
        overflows=len(known) < len(meter.states),
        fed_by=fed_by,
    )


def _gains(layer: Any) -> list[float]:
    ways = ("", "_reverse") if getattr(layer, "bidirectional", False) else ("",)
    ends = [f"_l{k}{way}" for k in range(getattr(layer, "num_layers", 0)) for way in ways]
    backs = [getattr(layer, f"weight_hh{end}") for end in ends or [""]]
    return [_rms(back) * math.sqrt(back.shape[1]) for back in backs]


def _bias(layer: Any, end: str, weight: Tensor) -> tuple[Tensor, Tensor]:
    if not layer.bias:
        nothing = weight.new_zeros(weight.shape[0])
        return nothing, nothing
    names = f"bias_ih{end}", f"bias_hh{end}"
    first, second = (getattr(layer, name).detach().double() for name in names)
    return first, second


def _sequence(given: Any, *, batch_first: bool) -> Tensor | None:
    """Time first, then rows, then features; the steps that all rows have."""
    if isinstance(given, PackedSequence):
        padded, lengths = pad_packed_sequence(given)
        values = padded[: int(lengths.min())]
    elif isinstance(given, Tensor) and given.dim() == 3:
        values = given.transpose(0, 1) if batch_first else given
    elif isinstance(given, Tensor) and given.dim() == 2:
        values = given.unsqueeze(1)
    else:
        return None
    return values[:MOST_STEPS].detach().double()


def _whole(
    meter: _Meter,
    sequence: Tensor,
    weight: Tensor,
    back: Tensor,
    bias: tuple[Tensor, Tensor],
    project: Tensor | None,
) -> None:
    """Run the layer over a sequence, from a state of zeros."""
    state = sequence.new_zeros(sequence.shape[1], back.shape[1])
    memory = sequence.new_zeros(sequence.shape[1], back.shape[0] // len(meter.functions))
    for given in sequence:
        inputs, own = given @ weight.T, state @ back.T
        gates = _gates(meter.functions, inputs + bias[0], own + bias[1])
        meter.note(given, inputs, own, gates)
        state, memory = _next(meter.functions, gates, state, memory)
        if project is not None:
            state = state @ project.detach().double().T
        meter.states.append(_rms(state))


def _one_call(
    meter: _Meter,
    given: tuple[Any, ...],
    weight: Tensor,
    back: Tensor,
    bias: tuple[Tensor, Tensor],
) -> None:
    """A step that the model's own loop makes; the state is what it brought along."""
    rows = given[0].detach().double()
    held = given[1] if len(given) > 1 else None
    held = held[0] if isinstance(held, tuple | list) else held
    if not isinstance(held, Tensor):
        held = rows.new_zeros(*rows.shape[:-1], back.shape[1])
    inputs, own = rows @ weight.T, held.detach().double() @ back.T
    gates = _gates(meter.functions, inputs + bias[0], own + bias[1])
    meter.note(rows, inputs, own, gates)
    size = _rms(held)
    if size > 0:
        meter.states.append(size)


def _gates(functions: tuple[str, ...], inputs: Tensor, state: Tensor) -> Tensor:
    if len(functions) != 3:
        return inputs + state
    reset, update, new = inputs.chunk(3, -1)
    own_reset, own_update, own_new = state.chunk(3, -1)
    reset = reset + own_reset
    return torch.cat([reset, update + own_update, new + reset.sigmoid() * own_new], -1)


def _next(
    functions: tuple[str, ...], gates: Tensor, state: Tensor, memory: Tensor
) -> tuple[Tensor, Tensor]:
    if len(functions) == 1:
        return (gates.relu() if functions[0] == "relu" else gates.tanh()), memory
    if len(functions) == 3:
        _, update, new = gates.chunk(3, -1)
        keep = update.sigmoid()
        return (1 - keep) * new.tanh() + keep * state, memory
    enter, keep, new, show = gates.chunk(4, -1)
    memory = keep.sigmoid() * memory + enter.sigmoid() * new.tanh()
    return show.sigmoid() * memory.tanh(), memory


def _factor(sizes: list[float]) -> float | None:
    """Geometric mean factor a step, over the second half: the first steps fill the state."""
    late = [size for size in sizes[len(sizes) // 2 :] if size > 0]
    if len(late) < 2:
        return None
    return (late[-1] / late[0]) ** (1 / (len(late) - 1))


def _rms(values: Tensor) -> float:
    return float(values.detach().double().square().mean().sqrt())


def _mean(values: list[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.inf
