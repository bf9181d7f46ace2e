import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Small trainings are fastest, and kind to other processes, on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
