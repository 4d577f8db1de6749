"""Batches that workers share have the rows of one process."""

import pickle

from PIL import Image

from hardsight.cli.beside import deciding
from hardsight.cli.rows import Reader
from hardsight.cli.sharing import Scoring
from hardsight.core.engine import HERE
from hardsight.data import iter_images
from hardsight.runs import open_detector_run


def test_shared_batches_have_the_rows_of_one_process(run, parts):
    paths = list(iter_images([str(parts / "test")]))
    decider = deciding(open_detector_run(run), None, "cpu", 3, None)
    reader = Reader.of(decider.detector, 3, None)
    alone = [row for rows, _ in decider.rows(reader.batches(paths)) for row in rows]
    shared = pickle.loads(pickle.dumps(Scoring(run, None, "cpu", 3, None, reader)))
    found = [row for rows, _ in shared.rows(HERE, iter(paths)) for row in rows]
    assert found == alone
    assert len({row["score"] for row in found}) == len(paths)


def test_what_is_odd_about_images_is_told_once_in_all_batches(run, tmp_path, caplog):
    paths = [tmp_path / f"{name}.png" for name in "ab"]
    for path in paths:
        Image.new("RGBA", (2, 2)).save(path)
    decider = deciding(open_detector_run(run), None, "cpu", None, None)
    shared = Scoring(run, None, "cpu", None, None, Reader.of(decider.detector, 1, None))
    assert len(list(shared.rows(HERE, iter(paths)))) == 2
    small, transparent = caplog.messages
    assert small.startswith(f"{paths[0]} is enlarged more than 4 times, from 2 x 2 to ")
    assert transparent == f"{paths[0]} has transparency, read over black"
