"""The compiled products against torch's, and what happens without a compiler."""

import os

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine.stacked.parts import assert_same, net, recipe
from torchclinic.engine.stacked import native
from torchclinic.engine.stacked.native import compiling, loading
from torchclinic.engine.stacked.native.trying import right

needs_compiler = pytest.mark.usefixtures("kernels")


@pytest.fixture(scope="module")
def kernels():
    if compiling.compiler() is None:
        assert not native.prepare(compile_now=True)
        pytest.fail("these tests need g++ or clang++")
    assert native.prepare(compile_now=True)


@pytest.fixture
def unloaded(monkeypatch, tmp_path):
    """As on a machine that never compiled."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(loading, "_loaded", {})
    monkeypatch.setattr(loading, "_state", {"tried": False})
    return tmp_path


sizes = st.integers(1, 70)


@needs_compiler
@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), sizes, sizes, sizes, st.sampled_from([torch.float32, torch.float64]))
def test_products_of_any_size(members, rows, inputs, outputs, dtype):
    generator = torch.Generator().manual_seed(rows * inputs + outputs)

    def draw(*shape):
        flat = torch.randn(members, *shape, generator=generator, dtype=torch.float64)
        return flat.to(dtype)

    def close(found, expected):
        scale = 1 + float(expected.abs().max())
        assert float((found - expected).abs().max()) < torch.finfo(dtype).eps * 200 * scale

    x, w, b, d = draw(rows, inputs), draw(outputs, inputs), draw(outputs), draw(rows, outputs)
    close(native.dot(x, w, b, d.clone()), torch.baddbmm(b[:, None], x, w.mT))
    close(native.dot(x, w, None, d.clone()), x @ w.mT)
    close(native.spread(d, w, x.clone(), transposed=False, add=False), d @ w)
    close(native.spread(d, x, w.clone(), transposed=True, add=False), d.mT @ x)
    close(native.spread(d, x, w.clone(), transposed=True, add=True), w + d.mT @ x)


@needs_compiler
def test_a_member_is_computed_as_if_it_were_alone():
    x, w, b = torch.randn(5, 33, 45), torch.randn(5, 21, 45), torch.randn(5, 21)
    whole = native.dot(x, w, b, torch.empty(5, 33, 21))
    for one in range(5):
        part = slice(one, one + 1)
        alone = native.dot(x[part], w[part], b[part], torch.empty(1, 33, 21))
        assert torch.equal(alone[0], whole[one])


@needs_compiler
def test_nan_and_infinity_stay_where_they_are():
    x, w = torch.ones(2, 9, 20), torch.ones(2, 7, 20)
    x[0, 3, 19], x[0, 4, 2] = float("nan"), float("inf")
    found = native.dot(x, w, None, torch.empty(2, 9, 7))
    assert found[0, 3].isnan().all()
    assert (found[0, 4] == float("inf")).all()
    assert (found[1] == 20).all()
    assert (found[0, [0, 1, 2, 5, 6, 7, 8]] == 20).all()


@needs_compiler
def test_with_kernels_a_stack_equals_the_sequential_engine():
    assert_same({"a": recipe()}, seeds=range(3))
    assert_same({"a": recipe(optimizer=torch.optim.Adam, model=net(nn.ReLU))})


def test_without_kernels_it_does_too(monkeypatch, unloaded):
    monkeypatch.setenv(compiling.SWITCH, "off")
    assert not native.prepare(compile_now=True)
    assert_same({"a": recipe()}, seeds=range(3))


def test_without_a_compiler_nothing_is_loaded(monkeypatch, unloaded):
    monkeypatch.setattr(compiling, "COMPILERS", ("no-such-compiler",))
    assert not native.prepare(compile_now=True)
    assert not native.available(torch.zeros(1))


def test_a_compiler_that_fails_is_not_asked_twice(monkeypatch, unloaded, tmp_path):
    calls = []
    monkeypatch.setattr(loading, "compile_library", calls.append)
    assert not native.prepare(compile_now=True)
    assert not native.prepare(compile_now=True)
    assert len(calls) == 1


def test_it_is_not_compiled_for_a_short_study(monkeypatch, unloaded):
    monkeypatch.setattr(loading, "compile_library", lambda file: pytest.fail("compiled"))
    assert not native.prepare(compile_now=False)


def test_a_library_that_others_may_write_is_not_loaded(unloaded):
    file = compiling.library_file()
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    file.chmod(0o666)
    assert not native.prepare(compile_now=False)


def test_a_broken_library_is_not_used(unloaded):
    file = compiling.library_file()
    file.parent.mkdir(parents=True)
    file.write_bytes(b"this is no library")
    file.chmod(0o600)
    assert not native.prepare(compile_now=False)
    assert not native.available(torch.zeros(1))


def test_what_is_compiled_under_a_lax_umask_is_still_ours(monkeypatch, unloaded):
    monkeypatch.setattr(compiling, "SOURCES", (unloaded / "small.cpp",))
    (unloaded / "small.cpp").write_text("int nothing;")
    before = os.umask(0)
    try:
        made = compiling.compile_library(unloaded / "small.so")
    finally:
        os.umask(before)
    assert made == (compiling.compiler() is not None)
    assert made == compiling.ours(unloaded / "small.so")


KERNELS = sorted(loading._SIGNATURES)


@needs_compiler
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_that_computes_anything_else_is_found_out(monkeypatch, name):
    assert right()
    broken = dict(loading._loaded)
    broken[name, torch.float32] = lambda *_: None  # it leaves its results as they were
    monkeypatch.setattr(loading, "_loaded", broken)
    assert not right()
