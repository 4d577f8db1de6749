import pytest
import torch

from bright import Bright, Saturating
from hardsight.attacks import ScoreObjective
from hardsight.core.types import Detection
from hardsight.detectors.evidence import Evidence

EPS = 8 / 255


class Steps(Bright):
    """Bright, in steps too small to see, so that the gradient is zero everywhere."""

    def forward(self, images, noise=None):
        found = super().forward(images, noise)
        score = found.pred_score + ((found.pred_score * 1e4).round() / 1e4).detach()
        return Detection(score - found.pred_score, found.anomaly_map)


@pytest.mark.parametrize("detector", [Bright(), Saturating(0.5), Steps()])
def test_a_candidate_without_a_gradient_looks_no_more_robust(detector):
    """Normal images can be made brighter by eps, anomalous ones darker."""
    settings = Evidence(eps=EPS, steps=5, images=4)
    shown = settings.evidence(torch.full((4, 3, 16, 16), 128, dtype=torch.uint8), seed=0)

    def aim(labels, masks):
        return ScoreObjective(detector, labels)

    attacked = settings.attack(detector, shown, aim, torch.Generator().manual_seed(0))
    change = (attacked - detector.prepare(shown.images)).mean((1, 2, 3))
    assert (change[~shown.labels] > 0.8 * EPS).all()
    assert (change[shown.labels] < -0.5 * EPS).all()
