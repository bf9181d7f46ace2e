"""Registries: unique names, stable order, plugins that fail are named, not fatal."""

from importlib.metadata import EntryPoint

import pytest

from torchclinic.core import Registry, RegistryError, UsageError
from torchclinic.core import registry as module


def test_a_name_is_given_once():
    registry = Registry[int]("rule")
    registry.add("a", 1)
    with pytest.raises(RegistryError, match="'a'"):
        registry.add("a", 2)
    assert registry["a"] == 1


def test_an_unknown_name_lists_the_known_ones():
    registry = Registry[int]("rule")
    registry.add("left", 1)
    registry.add("right", 2)
    with pytest.raises(UsageError, match="left, right"):
        registry["up"]
    assert list(registry) == ["left", "right"]
    assert registry.members() == (1, 2)


def test_a_plugin_is_added_and_a_broken_one_warned_about(monkeypatch):
    points = [
        EntryPoint("pi", "math:pi", "group"),
        EntryPoint("broken", "no_such_module:x", "group"),
    ]
    monkeypatch.setattr(module, "entry_points", lambda group: points)
    registry = Registry[float]("number", group="group")
    with pytest.warns(UserWarning, match="broken"):
        assert "pi" in registry
    assert len(registry) == 1
