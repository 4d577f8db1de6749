"""Where ``hardsight score`` writes its table."""

from pathlib import Path

import pytest
from typed import call, words

DEVICE = Path("/dev/full")
"""Every write to it fails as on a full disk."""


def test_folders_on_the_way_to_a_table_are_made(run, parts, tmp_path):
    place = tmp_path / "a/b/scores.csv"
    done = call("score", run, parts / "test", "-o", place)
    assert done.exit_code == 0, words(done)
    assert len(place.read_text(encoding="utf-8").splitlines()) > 1


@pytest.mark.skipif(not DEVICE.is_char_device(), reason="there is no /dev/full")
def test_a_full_disk_names_the_table_and_the_way_out(run, parts, tmp_path):
    place = tmp_path / "scores.csv"
    place.symlink_to(DEVICE)
    done = call("score", run, parts / "test", "-o", place)
    assert done.exit_code == 1
    said = words(done)
    assert f"error: no space is left on the disk for {place}" in said
    assert "name a place on another disk" in said
