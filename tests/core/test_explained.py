import errno

import pytest
import torch

from hardsight.core.explained import ExplainedError, explanation


@pytest.mark.parametrize(
    ("open_it", "said"),
    [
        (lambda path: (path / "none").open(), "is not there, or lies in a folder that is not"),
        (lambda path: path.open(), "(Is a directory); name another place"),
        (lambda path: (path / "none").replace(path / "a"), "/a is not there, or lies in a folder"),
    ],
)
def test_what_the_system_refuses_is_said_without_its_numbers(tmp_path, open_it, said):
    with pytest.raises(OSError, match="Errno") as caught:
        open_it(tmp_path)
    found = explanation(caught.value)
    assert str(tmp_path) in found
    assert said in found
    assert "Errno" not in found


def test_a_full_disk_is_told_as_one():
    found = explanation(OSError(errno.ENOSPC, "No space left on device", "a.csv"))
    assert found.startswith("no space is left on the disk for a.csv")
    assert "what was to be written" in explanation(OSError(errno.EDQUOT, "Disk quota exceeded"))


def test_memory_that_runs_out_names_what_to_lower():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    for error in (caught.value, MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried")):
        found = explanation(error)
        assert found.startswith("there is not enough memory (")
        assert "--size" in found
        assert "--batch-size" in found
        assert "\n" not in found


def test_other_messages_stand_and_bugs_have_none():
    assert explanation(ValueError("size=0 must be positive")) == "size=0 must be positive"
    assert explanation(ExplainedError("do that")) == "do that"
    assert explanation(OSError("no cluster there")) == "no cluster there"
    assert explanation(RuntimeError("shapes")) is None
    assert explanation(KeyError("name")) is None
