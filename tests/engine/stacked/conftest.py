"""Stacks with and without compiled kernels."""

import pytest

from torchclinic.engine.stacked import choosing, native
from torchclinic.engine.stacked.native import compiling, loading


@pytest.fixture(params=["torch", "kernels"])
def computed_by(request, monkeypatch):
    """The same test by torch's operations and by the compiled ones, where there is a compiler."""
    if request.param == "torch":
        monkeypatch.setattr(loading, "_loaded", {})
        monkeypatch.setenv(compiling.SWITCH, "off")
    else:
        assert native.prepare(compile_now=True) == (compiling.compiler() is not None)


@pytest.fixture(autouse=True)
def _map_few_members(monkeypatch):
    """Let tests map as few members as they like."""
    monkeypatch.setattr(choosing, "MAPPED_FROM", 1)
