"""Rows of images, and of images about which nothing can be said."""

import pytest
import torch

from bright import Bright
from hardsight.cli.following import SinkFollower
from hardsight.cli.rows import FIELDS, Tally, filled, filling
from hardsight.data import Frame
from hardsight.detectors import Calibration


class Lost(Bright):
    """Loses the score of a bright image."""

    def __init__(self, lost: float) -> None:
        super().__init__()
        self.lost = lost

    def forward(self, images, noise=None):
        found = super().forward(images, noise)
        score = torch.where(found.pred_score > 0.9, self.lost, found.pred_score)
        return found._replace(pred_score=score)


class Heard:
    """Is told of decisions and failures."""

    def __init__(self):
        self.sent, self.lost = [], []

    def send(self, decisions):
        self.sent += decisions

    def failed(self, source, reason):
        self.lost.append((source, reason))


@pytest.mark.parametrize("lost", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_not_finite_is_no_good_part_and_no_defect(lost):
    detector = Lost(lost).with_calibration(Calibration(0.5, 0.6, 0.6, (0.1, 0.2)))
    batch = [Frame(f"{v}.png", torch.full((3, 16, 16), v)) for v in (0.25, 1.0, 0.75)]
    ((rows, frames),) = filled([batch], FIELDS, filling(detector, None))
    assert [row["anomalous"] for row in rows] == [False, None, True]
    assert rows[1] == dict.fromkeys(FIELDS) | {
        "path": "1.0.png",
        "error": f"its score is {lost}, by which nothing is decided",
    }
    tally, heard = Tally(), Heard()
    tally.add(rows, frames)
    assert (tally.total, tally.anomalous, tally.unreadable) == (3, 1, 1)
    SinkFollower(detector, "run", [heard]).add(rows, frames)
    assert [decision.source for decision in heard.sent] == ["0.25.png", "0.75.png"]
    assert heard.lost == [("1.0.png", rows[1]["error"])]
    ((alone, _),) = filled([batch[1:2]], FIELDS, filling(detector, None))
    assert alone == rows[1:2]
