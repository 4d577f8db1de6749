import pytest

from hardsight.runs.beginnings import BEGINNINGS, is_begun, without_beginnings


def begin(run, *more):
    run.mkdir(parents=True, exist_ok=True)
    for name in (*BEGINNINGS, *more):
        (run / name).touch()
    raise ValueError("refused")


def failing(run, *more):
    with pytest.raises(ValueError, match="refused"), without_beginnings(run):
        begin(run, *more)


def test_a_new_folder_in_which_nothing_was_trained_is_removed(tmp_path):
    failing(tmp_path / "runs/parts")
    assert list(tmp_path.iterdir()) == []


def test_what_can_be_gone_on_with_stays(tmp_path):
    run = tmp_path / "runs/parts"
    failing(run, "training")
    assert is_begun(run)
    assert {p.name for p in run.iterdir()} == {*BEGINNINGS, "training"}


def test_what_was_there_stays(tmp_path):
    run = tmp_path / "parts"
    run.mkdir()
    failing(run)
    assert {p.name for p in run.iterdir()} == set(BEGINNINGS)
    (tmp_path / "runs").mkdir()
    failing(tmp_path / "runs/other")
    assert (tmp_path / "runs").is_dir()


def test_a_folder_that_was_not_made_is_no_matter(tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file/run", tmp_path / "run"):
        with without_beginnings(place):
            pass
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
