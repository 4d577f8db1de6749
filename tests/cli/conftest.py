import pytest
from typed import call, words


@pytest.fixture(scope="module")
def run(parts, tiny_preset, tmp_path_factory):
    """A fitted run of the file's own, for it to write in."""
    folder = tmp_path_factory.mktemp("runs") / "parts"
    done = call("fit", tiny_preset, "--data", parts, "--run", folder)
    assert done.exit_code == 0, words(done)
    assert "false alarm" in words(done)
    return folder
