"""One local cluster of two cores for the quick tests: it takes seconds to start."""

import pytest

from torchclinic.engine.ray.cluster import connected, import_ray


@pytest.fixture(scope="session")
def cluster():
    """Ray, connected; engines use the connection and leave it open."""
    ray = import_ray()
    with connected(ray, None, cores=2, size=0):
        yield ray
