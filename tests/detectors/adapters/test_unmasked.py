import threading

import numpy as np
import pytest
import torch
from torch import Tensor

from hardsight.detectors.adapters.unmasked import Unmasked


def block(x: Tensor) -> Tensor:
    with torch.no_grad():
        return x.square().sum()


@torch.no_grad()
def decorated(x: Tensor) -> Tensor:
    return x.square().sum()


def switched(x: Tensor) -> Tensor:
    previous = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    y = x.square().sum()
    torch.set_grad_enabled(previous)
    return y


@torch.inference_mode()
def inference(x: Tensor) -> Tensor:
    return x.square().sum()


def detached(x: Tensor) -> Tensor:
    return torch.detach(x.square().detach()).sum()


def into_out(x: Tensor) -> Tensor:
    out = torch.empty_like(x)
    with torch.no_grad():
        torch.mul(x, x, out=out)
    return out.sum()


SWITCHES = [block, decorated, switched, inference, detached]
MASKS = [*SWITCHES, into_out]


@pytest.mark.parametrize("masked", MASKS, ids=lambda f: f.__name__)
def test_the_gradient_is_that_of_the_function(masked):
    x = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    with Unmasked():
        y = masked(x)
    torch.testing.assert_close(y, x.detach().square().sum(), check_stride=False)
    torch.testing.assert_close(torch.autograd.grad(y, x)[0], 2 * x.detach())
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("masked", SWITCHES, ids=lambda f: f.__name__)
def test_afterwards_the_switches_work_again(masked):
    x = torch.rand(3, requires_grad=True)
    with Unmasked():
        assert masked(x).requires_grad
    assert not masked(x).requires_grad


@pytest.mark.parametrize("masked", MASKS, ids=lambda f: f.__name__)
def test_it_records_nothing_where_nothing_was_to_be_recorded(masked):
    x = torch.rand(3, requires_grad=True)
    with torch.no_grad(), Unmasked():
        assert not masked(x).requires_grad


def test_numpy_still_gets_its_arrays():
    x = torch.rand(3, requires_grad=True)
    with Unmasked():
        by_hand, by_array = x.detach().numpy(), np.asarray(x.detach())
    np.testing.assert_array_equal(by_hand, by_array)


def test_other_threads_keep_their_switches():
    x, seen = torch.rand(3, requires_grad=True), []
    with Unmasked():
        other = threading.Thread(target=lambda: seen.append(block(x).requires_grad))
        other.start()
        other.join()
    assert seen == [False]
