"""Lines that are added to a file."""

import pytest

from hardsight.core.lines import TAIL, append_lines


def test_lines_are_added_at_the_end_of_a_file(tmp_path):
    path = tmp_path / "a.jsonl"
    append_lines(path, ["one", "ü"])
    append_lines(path, iter(["three"]))
    assert path.read_text("utf-8") == "one\nü\nthree\n"


@pytest.mark.parametrize("before", ["", "whole\n", "a\n" + TAIL * "b" + "\n"])
@pytest.mark.parametrize("cut", ["half", (2 * TAIL + 7) * "x"])
def test_a_line_that_was_cut_off_is_dropped_before_others_are_added(tmp_path, before, cut):
    path = tmp_path / "a.jsonl"
    path.write_text(before + cut)
    append_lines(path, ["new"])
    assert path.read_text() == before + "new\n"
