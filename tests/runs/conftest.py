import pytest

from hardsight.config import load_preset
from hardsight.runs import start_run


@pytest.fixture(scope="module")
def run(parts, tiny_preset, tmp_path_factory):
    """A fitted run of the file's own, for it to write in."""
    config = load_preset(str(tiny_preset)).updated({"data.path": str(parts), "selection": None})
    found = start_run(tmp_path_factory.mktemp("runs") / "r", config)
    found.fit("cpu")
    return found
