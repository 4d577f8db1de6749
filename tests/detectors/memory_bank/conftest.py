import pytest
from tiny_banks import write_stripes


@pytest.fixture(scope="session")
def stripes(tmp_path_factory):
    return write_stripes(tmp_path_factory.mktemp("stripes"))
