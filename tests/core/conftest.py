from pathlib import Path

import pytest


@pytest.fixture
def tree(tmp_path):
    """A place for control groups, and a file that says where the process is."""

    def write(own: str, files: dict[str, str]) -> tuple[Path, Path]:
        for name, text in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (tmp_path / "own").write_text(own)
        return tmp_path / "cgroup", tmp_path / "own"

    return write
