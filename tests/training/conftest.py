import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Train on one thread: the same steps give the same weights."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
