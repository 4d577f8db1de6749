import subprocess
import sys

import pytest

from hardsight.core.memory import keep_memory

PROGRAM = """
import resource, statistics, torch
from torch import nn
from hardsight.core.memory import keep_memory

keep_memory()
widths = (3, 24, 48, 24, 3)
layers = [nn.Conv2d(i, o, 3) for i, o in zip(widths, widths[1:])]
net, faults = nn.Sequential(*layers), []
for _ in range(16):
    x = torch.rand(2, 3, 160, 160, requires_grad=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.autograd.grad(net(x).square().sum(), x)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(statistics.median(faults[8:]))
"""


def test_a_step_repeated_takes_no_new_memory():
    """Page faults of a gradient once it was computed a few times; thousands if memory is freed."""
    if not keep_memory():
        pytest.skip("this C library has no mallopt")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 50
