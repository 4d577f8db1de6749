"""Where ``hardsight score`` writes its table."""

import csv
import shutil
from pathlib import Path

import pytest
from typed import call, words

from hardsight.cli.drift import scores_of
from hardsight.cli.table import table
from hardsight.core.spreadsheet import FORMULA

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


def test_a_list_that_is_read_is_not_written_over(run, parts, tmp_path):
    place = tmp_path / "list.csv"
    text = f"path\n{next((parts / 'test/good').iterdir())}\n"
    place.write_text(text)
    done = call("score", run, place, "-o", tmp_path / "x/../list.csv")
    assert done.exit_code == 1
    assert "would be lost" in words(done)
    assert place.read_text() == text


def test_a_table_behind_links_that_lead_in_a_circle_is_refused(run, parts, tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    done = call("score", run, parts / "test", "-o", tmp_path / "loop" / "scores.csv")
    assert done.exit_code == 1
    assert f"error: {tmp_path / 'loop'} can be neither read nor written" in words(done)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_table_that_goes_on_keeps_its_rows_and_drops_what_was_cut_off(tmp_path, form):
    place, fields = tmp_path / f"t.{form}", ("path", "score")
    for i in range(2):
        with table(place, fields, more=True) as lines:
            lines.write([{"path": f"{i}.png", "score": i}])
    whole = place.read_bytes()
    place.write_bytes(whole + b'{"path": "2')
    with table(place, fields, more=True) as lines:
        lines.write([])
    assert place.read_bytes() == whole
    assert scores_of(place).tolist() == [0, 1]
    with table(place, fields) as lines:
        lines.write([])
    assert place.read_text() == ("path,score\n" if form == "csv" else "")


def test_a_table_of_other_columns_is_not_gone_on_with(tmp_path):
    place = tmp_path / "t.csv"
    place.write_text("path,decision\n")
    with pytest.raises(ValueError, match="other columns"), table(place, ("path",), more=True):
        pass
    assert place.read_text() == "path,decision\n"


def test_a_watch_that_begins_again_adds_to_its_table(run, parts, tmp_path):
    place = tmp_path / "s.csv"
    for count in (4, 8):
        done = call("watch", run, parts / "test/good", "--idle", 0, "-o", place)
        assert done.exit_code == 0, words(done)
        assert len(scores_of(place)) == count


def test_no_cell_is_a_formula_and_the_table_is_a_list_and_a_stream_of_scores(
    run, parts, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    names = ["=1+1.png", "+1.png", "-1.png", "@x.png", "'=1.png", "plain.png", "=gone.png"]
    for name in names[:-1]:
        shutil.copy(next((parts / "test/good").iterdir()), name)
    Path("list.txt").write_text("\n".join(names))
    assert call("score", run, "list.txt", "-o", "first.csv").exit_code == 1  # one is gone
    done = call("score", run, "first.csv", "-o", "second.csv")
    assert done.exit_code == 1, words(done)
    first, second = (Path(f"{name}.csv").read_text("utf-8") for name in ("first", "second"))
    cells = [cell for row in csv.reader(first.splitlines()) for cell in row]
    assert not [cell for cell in cells if cell.startswith(FORMULA)]
    assert second == first
    assert len(scores_of(Path("first.csv"))) == len(names) - 1


def test_scores_below_zero_stay_numbers(tmp_path):
    place = tmp_path / "t.csv"
    with table(place, ("path", "score")) as lines:
        lines.write([{"path": "-1.png", "score": -1.5}])
    assert place.read_text().splitlines() == ["path,score", "'-1.png,-1.5"]
    assert scores_of(place).tolist() == [-1.5]
