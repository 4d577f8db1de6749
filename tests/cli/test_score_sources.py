"""``hardsight score`` of images in object storage and in lists."""

import csv
from pathlib import Path

import fsspec
import pytest
from stores import s3_server
from typed import call, words

AT_ONCE = ("--batch-size", 3)
"""On which the last digits of a score depend."""


def scores(path):
    return [row["score"] for row in csv.DictReader(path.open(encoding="utf-8"))]


@pytest.fixture(scope="module")
def here(run, parts, tmp_path_factory):
    """Score a folder on disk, and return the table."""
    table = tmp_path_factory.mktemp("scored") / "here.csv"
    done = call("score", run, parts / "test", *AT_ONCE, "-o", table)
    assert done.exit_code == 0, words(done)
    return table


def test_images_in_a_store_have_the_scores_of_the_same_on_disk(run, parts, here, tmp_path):
    system = fsspec.filesystem("memory")
    system.put(str(parts / "test"), "/parts", recursive=True)
    done = call("score", run, "memory://parts", *AT_ONCE, "-o", tmp_path / "there.csv")
    assert done.exit_code == 0, words(done)
    assert scores(tmp_path / "there.csv") == scores(here)
    system.rm("/parts", recursive=True)
    lost = call("score", run, "memory://parts")
    assert lost.exit_code == 1
    assert "error: memory://parts: there is no such object or folder" in words(lost)


@pytest.mark.slow
def test_workers_fetch_their_own_images_from_a_bucket(run, parts, here, tmp_path):
    top = parts / "test"
    files = {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*.png")}
    with s3_server("archive/parts", files):
        options = ("--workers", 2, "-o", tmp_path / "there.csv")
        done = call("score", run, "s3://archive/parts", *AT_ONCE, *options)
    assert done.exit_code == 0, words(done)
    assert scores(tmp_path / "there.csv") == scores(here)


def test_a_table_of_scores_is_a_list_of_images(run, here, tmp_path):
    done = call("score", run, here, *AT_ONCE, "-o", tmp_path / "again.csv")
    assert done.exit_code == 0, words(done)
    assert scores(tmp_path / "again.csv") == scores(here)
    names = [row["path"] for row in csv.DictReader(here.open(encoding="utf-8"))]
    text = tmp_path / "some.txt"
    text.write_text(
        "\n".join([names[0], str(Path(names[1]).with_name("no.png"))]), encoding="utf-8"
    )
    some = call("score", run, text, "-o", tmp_path / "some.csv")
    assert some.exit_code == 1
    first, lost = scores(tmp_path / "some.csv")
    assert (float(first), lost) == (pytest.approx(float(scores(here)[0]), rel=1e-5), "")
