import pytest

from hardsight.data import load


@pytest.fixture(scope="module")
def data(parts):
    return load(parts, size=16)
