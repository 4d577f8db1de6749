import random

import numpy as np
import pytest
import torch

from bright import Bright, write_set
from hardsight.core.threads import usable_cpus
from tiny_parts import write_parts

TINY_PRESET = """
description: A detector of 16 x 16 pixels that trains in a second, for tests.
detector:
  denoiser: {name: fast, channels: 8, multipliers: [1, 1], patch: 2}
  image_size: 16
  filter_size: 3
  precision: fp32
training: {steps: 6, checkpoint_every: 2, log_every: 2, precision: 32-true, accelerator: cpu}
selection:
  ks: [100]
  filter_sizes: [1, 3]
  aggregations: [max, mean]
  images: 3
  steps: 1
  shortlist: 1
"""


def pytest_xdist_auto_num_workers():
    """How many workers ``-n auto`` starts: one a CPU, and no more than memory holds."""
    return min(usable_cpus(), 8)


@pytest.fixture(autouse=True)
def seeded():
    """Begin each test with the same state of the global generators, wherever it is run."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("data") / "parts")


@pytest.fixture(scope="session")
def tiny_preset(tmp_path_factory):
    path = tmp_path_factory.mktemp("preset") / "tiny.yaml"
    path.write_text(TINY_PRESET, encoding="utf-8")
    return path


@pytest.fixture
def browser(tmp_path):
    from browser import Browser

    found = Browser(tmp_path / "profile")
    yield found
    found.close()


@pytest.fixture
def bright():
    return Bright


@pytest.fixture
def make_set(tmp_path):
    return lambda *a, **k: write_set(tmp_path / "set", *a, **k)
