import pytest
import torch

from hardsight.core.devices import pick_device


def test_devices_that_are_not_there():
    assert pick_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="device='nonsense'"):
        pick_device("nonsense")
