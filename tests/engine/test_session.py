import sys

import pytest

from torchclinic.core import UsageError
from torchclinic.engine import engine_session


@pytest.mark.parametrize("engine", ["sequential", "stacked", "auto"])
def test_other_engines_start_nothing(monkeypatch, engine):
    monkeypatch.setitem(sys.modules, "ray", None)
    with engine_session(engine):
        assert sys.modules["ray"] is None


def test_without_ray_there_is_no_session(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match="pip install"), engine_session("ray"):
        raise AssertionError("it was started")
