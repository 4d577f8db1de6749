import pytest
import torch

from hardsight.core.devices import pick_device


def test_devices_that_are_not_there():
    assert pick_device("cpu") == torch.device("cpu")
    expected = "device='gpu' is not known; choose auto, cpu, cuda, cuda:N or mps$"
    with pytest.raises(ValueError, match=expected):
        pick_device("gpu")
    with pytest.raises(ValueError, match="device='cuda:99' is not to be had here"):
        pick_device("cuda:99")
