import numpy as np
import pytest
import torch
from torch import Tensor

from bright import Bright, Contrast
from hardsight.attacks import PGD, Linf, ScoreObjective
from hardsight.detectors import Calibration, Decision, TwoWitnesses
from hardsight.detectors.adapters.witness_calibration import WitnessCalibration, decision
from hardsight.metrics import conformal_threshold

LEVEL = 0.1


def pictures(n: int, seed: int = 0, contrast: float = 0.05) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    level = 0.5 + 0.05 * torch.randn(n, 1, 1, 1, generator=g)
    return (level + contrast * torch.randn(n, 3, 16, 16, generator=g)).clamp(0, 1)


def witnesses(noise: float = 0.0) -> TwoWitnesses:
    robust = Bright(noise=noise).calibrate(pictures(30, 1), LEVEL)
    clean = Contrast().calibrate(pictures(30, 1), LEVEL)
    return TwoWitnesses(robust, clean).calibrated(pictures(60, 2), LEVEL)


def test_thresholds_are_conformal_on_the_half_that_did_not_set_the_scales():
    scores = torch.randn(80, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found, level = WitnessCalibration.fit(scores, LEVEL)
    half, other = scores[::2].numpy(), scores[1::2].numpy()
    middle, spread = np.sort(half, 0)[(len(half) - 1) // 2], half.std(0, ddof=1)
    apart = np.diff((half - middle) / spread)[:, 0]
    centre = np.sort(apart)[(len(apart) - 1) // 2]
    z = (other - middle) / spread
    suspicion = np.maximum(z[:, 1], np.abs(z[:, 1] - z[:, 0] - centre) / apart.std(ddof=1))
    expected = conformal_threshold(z[:, 0], level), conformal_threshold(suspicion, level)
    np.testing.assert_allclose(found.thresholds, expected)
    alarms = (found.exceedances(scores[1::2]) > 1e-9).double().mean(0)
    assert float(alarms.max()) <= LEVEL


@pytest.mark.parametrize(
    ("exceedances", "said"),
    [
        ((-1, -1), "good"),
        ((-1, 0.1), "suspicious"),
        ((0.1, -1), "defect"),
        ((1, 1), "defect"),
        ((np.nan, -1), "suspicious"),
        ((-np.inf, -1), "suspicious"),
        ((-1, np.nan), "suspicious"),
        ((0.1, np.nan), "defect"),
    ],
)
def test_the_robust_one_decides_and_the_clean_one_asks_again(exceedances, said):
    assert decision(*exceedances) == Decision(said)


def test_a_score_that_is_not_finite_is_never_good_and_stops_no_other():
    lost = torch.tensor([[0.0, 0.0], [torch.nan, 0.0], [0.0, torch.nan]])
    found = WitnessCalibration(thresholds=(1.0, 1.0), normals=((-1.0, -1.0),)).inspect(lost)
    assert found.decisions == [Decision.GOOD, Decision.SUSPICIOUS, Decision.SUSPICIOUS]
    np.testing.assert_array_equal(np.isnan(found.scores), [False, True, True])
    np.testing.assert_array_equal(
        np.isnan(found.p_values), [[False, False], [True, True], [False, True]]
    )


def test_what_either_sees_and_an_attack_that_only_silences_the_clean_one():
    both = witnesses()
    normal, bright = pictures(1, 5), pictures(1, 5) + 0.3
    grained, flat = pictures(1, 5, contrast=0.15), pictures(1, 5, contrast=0.0)
    found = both.inspect(torch.cat((normal, bright.clamp(0, 1), grained, flat)))
    assert found.decisions == ["good", "defect", "suspicious", "suspicious"]
    assert found.p_values.min() == 1 / 31  # of 30 images that set the thresholds
    labels = both.decide(torch.cat((normal, bright.clamp(0, 1), grained, flat))).pred_label
    assert labels.tolist() == [False, True, True, True]


def test_the_first_detector_decides_as_by_itself_whatever_the_noise():
    both, x = witnesses(noise=0.02), pictures(4, 6)
    assert both.random
    alone = both.robust.score_only(x, both.robust.decision_noise(x)).pred_score
    assert torch.equal(both.scores(x, both.decision_noise(x))[:, 0], alone)


def test_a_score_is_the_larger_exceedance_and_the_map_the_first_detectors():
    both, x = witnesses(), pictures(5, 7)
    found, bare = both(x), both.score_only(x)
    assert torch.equal(found.pred_score, both.exceedances(x).amax(1))
    assert torch.equal(found.anomaly_map, both.robust(x).anomaly_map)
    assert torch.equal(bare.anomaly_map.flatten(1), both.exceedances(x))
    assert torch.equal(bare.pred_score, found.pred_score)


def test_gradients_are_those_of_finite_differences():
    both, x = witnesses().double(), pictures(3, 8).double()
    x.requires_grad_()
    ways = torch.randn(x.shape, generator=torch.Generator().manual_seed(9), dtype=x.dtype)
    for column in range(2):
        (gradient,) = torch.autograd.grad(both.exceedances(x)[:, column].sum(), x)
        step = 1e-6 * ways
        ends = [both.exceedances((x + s).detach())[:, column] for s in (step, -step)]
        slope = (ends[0] - ends[1]) / 2e-6
        torch.testing.assert_close((gradient * ways).sum((1, 2, 3)), slope, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("surrogate", ["score", "lse", "mean"])
def test_an_attack_of_both_silences_both(surrogate):
    both, x = witnesses(), (pictures(2, 5, contrast=0.09) + 0.2).clamp(0, 1)
    assert both.inspect(x).decisions == ["defect"] * 2
    objective = ScoreObjective(both, [True, True], surrogate=surrogate)
    worst = PGD(Linf(40 / 255), steps=60)(objective, x, torch.Generator().manual_seed(0)).images
    before, after = (both.exceedances(v).amax(1) for v in (x, worst))
    assert (after < before - 1).all()


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match=r"one size, got \(16, 16\) and \(8, 8\)"):
        TwoWitnesses(Contrast(), Bright(8))
    with pytest.raises(ValueError, match="no threshold"):
        TwoWitnesses(Contrast(), Contrast()).inspect(pictures(2))
    bare = TwoWitnesses(Contrast().calibrate(pictures(30)), Contrast())
    with pytest.raises(ValueError, match="too few"):
        bare.calibrated(pictures(10), 0.01)
    assert isinstance(bare.calibrated(pictures(10)).calibration, Calibration)


def test_a_p_value_counts_the_normals_that_score_as_high_exactly():
    """Those of the calibration were rounded otherwise: an image was held apart from itself."""
    scores = 100 + 7 * torch.rand(200, 2, generator=torch.Generator().manual_seed(0))
    calibration, _ = WitnessCalibration.fit(scores)
    normals = scores[1::2]
    found = calibration.exceedances(normals).numpy()
    as_high = (found[None] >= found[:, None]).sum(1)
    assert calibration.inspect(normals).p_values == pytest.approx((as_high + 1) / 101)
