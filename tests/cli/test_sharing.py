"""Batches that workers share have the rows of one process."""

import pickle

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
