"""One local cluster of two cores for a file of tests: it takes seconds to start.

It ends with the file: other tests fork this process, which its threads would not survive.
"""

import pytest

from torchclinic.engine.ray.cluster import connected, import_ray


@pytest.fixture(scope="module")
def cluster():
    """Ray, connected; engines use the connection and leave it open."""
    ray = import_ray()
    with connected(ray, None, cores=2, size=0):
        yield ray
