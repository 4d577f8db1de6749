import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hardsight.data.containers.container import remembered


def test_threads_read_a_file_once_and_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("first")
    calls = []

    @remembered(2)
    def read(path: Path) -> str:
        calls.append(threading.get_ident())
        time.sleep(0.01)
        return path.read_text()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(read, [file] * 8)) == {"first"}
    assert len(calls) == 1
    file.write_text("the second")
    assert read(file) == "the second"
    assert len(calls) == 2


def test_of_many_files_the_last_are_kept(tmp_path: Path) -> None:
    files = [tmp_path / name for name in "abc"]
    for file in files:
        file.write_text(file.name)
    calls = []

    @remembered(2)
    def read(path: Path) -> str:
        calls.append(path.name)
        return path.read_text()

    for file in [*files, files[2], files[1], files[0]]:
        assert read(file) == file.name
    assert calls == ["a", "b", "c", "a"]
