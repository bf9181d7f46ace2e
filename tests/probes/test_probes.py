"""Every registered probe against an oracle, and what each one must leave alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from probes.oracles import ELEMENTS, MAXIMA, NORMS, OUTPUT, SATURATED_AT, SILENT_AT
from torchclinic.core import RegistryError, UsageError
from torchclinic.core.trace import LAYER_STATISTICS
from torchclinic.probes import (
    PROBES,
    Elements,
    Need,
    Norms,
    OutputSample,
    Probe,
    ProbedLayer,
    UnitMaxima,
    select_probes,
)

SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)
NUMBERS = st.floats(-100, 100, width=32)
MATRICES = arrays.arrays(np.float32, SHAPES, elements=NUMBERS)


def column(value, layers):
    return torch.full((layers, 1), value)


@settings(deadline=None, max_examples=60)
@given(MATRICES)
@pytest.mark.parametrize("name", OUTPUT)
def test_outputs_against_an_oracle(name, values):
    sample = OutputSample(torch.from_numpy(values.copy()), column(SATURATED_AT, len(values)))
    read = PROBES[name].read(sample)
    assert read.tolist() == pytest.approx(OUTPUT[name](values), rel=1e-4, abs=1e-4)
    assert np.array_equal(sample.values.numpy(), values)


@settings(deadline=None, max_examples=60)
@given(MATRICES)
@pytest.mark.parametrize("name", MAXIMA)
def test_unit_maxima_against_an_oracle(name, values):
    maxima = UnitMaxima(torch.from_numpy(values.copy()), column(SILENT_AT, len(values)), 512)
    assert PROBES[name].read(maxima).tolist() == pytest.approx(MAXIMA[name](values))
    assert np.array_equal(maxima.values.numpy(), values)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(*[st.floats(1e-6, 1e6)] * 3), min_size=1, max_size=5), st.integers(1, 3))
@pytest.mark.parametrize("name", NORMS)
def test_norms_against_an_oracle_for_many_steps_at_once(name, rows, steps):
    norm, elements, weight = (np.array([[*c]] * steps) for c in zip(*rows, strict=True))
    sample = Norms(*map(torch.from_numpy, (norm, elements, weight)))
    expected = NORMS[name](norm, elements, weight)
    assert PROBES[name].read(sample).numpy() == pytest.approx(expected, rel=1e-9)


ANY = st.floats(width=32, allow_nan=True, allow_infinity=True)
TENSORS = arrays.arrays(np.float32, st.integers(0, 9), elements=ANY)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(TENSORS, max_size=3), min_size=1, max_size=4))
@pytest.mark.parametrize("name", ELEMENTS)
def test_elements_against_an_oracle(name, layers):
    tensors = tuple(tuple(torch.from_numpy(t.copy()) for t in layer) for layer in layers)
    assert PROBES[name].read(Elements(tensors)).tolist() == ELEMENTS[name](layers)


def test_a_small_deviation_beside_a_large_mean_is_not_lost():
    values = torch.tensor([[1e4, 1e4 + 1, 1e4 + 2, 1e4 + 3]])
    assert PROBES["activation_std"].read(OutputSample(values)).item() == pytest.approx(1.25**0.5)


def test_without_a_saturating_activation_nothing_is_saturated():
    values = torch.full((2, 5), 1e9)
    assert PROBES["saturated_share"].read(OutputSample(values)).tolist() == [0.0, 0.0]


SAMPLES = {
    Need.OUTPUT: lambda: OutputSample(torch.randn(3, 8), column(1.0, 3)),
    Need.OUTPUT_GRADIENT: lambda: OutputSample(torch.randn(3, 8)),
    Need.UNIT_MAXIMA: lambda: UnitMaxima(torch.randn(3, 8), column(0.0, 3), 512),
    Need.OUTPUT_GRADIENT_NORM: lambda: Norms(*[torch.rand(2, 3).double() + 0.1] * 3),
    Need.PARAMETER_GRADIENT: lambda: Norms(*[torch.rand(2, 3).double() + 0.1] * 3),
    Need.WEIGHT: lambda: Norms(*[torch.rand(2, 3).double() + 0.1] * 3),
    Need.UPDATE: lambda: Norms(*[torch.rand(2, 3).double() + 0.1] * 3),
    Need.ELEMENTS: lambda: Elements(((torch.randn(4),), (torch.randn(2),), ())),
}


@pytest.mark.parametrize("name", list(PROBES))
def test_every_probe_keeps_the_contract(name):
    probe = PROBES[name]
    assert isinstance(probe, Probe)
    assert probe.name == name
    assert probe.unit
    sample = SAMPLES[probe.need]()
    state, mode = torch.get_rng_state(), torch.is_grad_enabled()
    first, second = probe.read(sample), probe.read(sample)
    assert first.shape[-1] == 3
    assert torch.equal(first, second), "reading twice gives the same"
    assert torch.equal(state, torch.get_rng_state())
    assert mode == torch.is_grad_enabled()
    layer = ProbedLayer("fc", "Linear", None, "", normalised=False)
    assert isinstance(probe.why_not(layer), str)


@pytest.mark.parametrize(
    ("name", "layer", "reason"),
    [
        ("saturated_share", ProbedLayer("a", "Linear", "sigmoid"), ""),
        ("saturated_share", ProbedLayer("a", "Linear", "relu"), "relu follows, which never"),
        ("saturated_share", ProbedLayer("a", "Linear", "tanh", normalised=True), "norm stands"),
        ("saturated_share", ProbedLayer("a", "Linear"), "no activation follows"),
        ("silent_share", ProbedLayer("a", "Linear", "relu"), ""),
        ("silent_share", ProbedLayer("a", "Linear", "gelu"), "gelu follows, which never"),
        ("silent_share", ProbedLayer("a", "Linear", None, "it raised"), "not known: it raised"),
    ],
)
def test_what_an_activation_makes_applicable(name, layer, reason):
    said = PROBES[name].why_not(layer)
    assert reason in said
    assert bool(said) == bool(reason)


def test_presets():
    names = {probe.name for probe in select_probes("all")}
    cheap = {probe.name for probe in select_probes("cheap")}
    assert names == set(LAYER_STATISTICS)
    assert cheap < names
    assert "update_ratio" not in cheap
    assert [p.name for p in select_probes("weight_norm")] == ["weight_norm"]
    with pytest.raises(UsageError, match="no_such_probe"):
        select_probes("no_such_probe")


def test_a_second_probe_under_a_name_is_refused():
    with pytest.raises(RegistryError, match="weight_norm"):
        PROBES.add("weight_norm", PROBES["weight_norm"])
