import pytest
from tiny_detector import tiny_advrad


@pytest.fixture
def make_advrad():
    return tiny_advrad
