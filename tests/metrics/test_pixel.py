import numpy as np
import pytest
from skimage.measure import label
from sklearn import metrics as sk

from hardsight.metrics.pixel import aupro, pixel_auroc, pixel_average_precision


def brute_aupro(maps, masks, limit, steps=200_000):
    """Every threshold in turn, every region by hand, then a fine Riemann sum over the rate."""
    regions = []
    for k, mask in enumerate(masks):
        numbered = label(mask, connectivity=2)
        regions += [(k, numbered == r) for r in range(1, numbered.max() + 1)]
    fpr, pro = [0.0], [0.0]
    for t in sorted(set(maps.ravel()), reverse=True):
        fpr.append(float((maps >= t)[~masks].mean()))
        pro.append(float(np.mean([(maps[k][region] >= t).mean() for k, region in regions])))
    x = (np.arange(steps) + 0.5) * limit / steps
    right = np.searchsorted(fpr, x, "right")
    right = np.minimum(right, len(fpr) - 1)
    f, p = np.array(fpr), np.array(pro)
    share = (x - f[right - 1]) / (f[right] - f[right - 1])
    return float(np.mean(p[right - 1] + share * (p[right] - p[right - 1])))


def random_case(seed, values):
    rng = np.random.default_rng(seed)
    masks = rng.random((3, 7, 9)) < 0.25
    masks[0] = False
    maps = rng.integers(0, values, masks.shape) + 2.0 * masks * rng.random(masks.shape)
    return np.round(maps, 1), masks


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("values", [2, 5, 1000])
@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
def test_aupro_against_brute_force(seed, values, limit):
    maps, masks = random_case(seed, values)
    got = aupro(maps, masks, limit)
    assert got == pytest.approx(brute_aupro(maps, masks, limit), abs=2e-5)
    assert 0.0 <= got <= 1.0


def test_pooled_metrics_against_scikit_learn():
    maps, masks = random_case(5, 6)
    for a in (maps, maps[:, None], maps.astype(np.float32)):
        m = masks[:, None] if a.ndim == 4 else masks
        auc = sk.roc_auc_score(m.ravel(), a.ravel())
        ap = sk.average_precision_score(m.ravel(), a.ravel())
        assert pixel_auroc(a, m) == pytest.approx(auc, abs=1e-12)
        assert pixel_average_precision(a, m) == pytest.approx(ap, abs=1e-12)


def test_a_perfect_map_a_blind_map_and_an_inverted_one():
    masks = np.zeros((2, 20, 20), dtype=bool)
    masks[0, 2:4, 2:4] = True
    masks[1, 5:15, 5:15] = True
    for limit in (0.01, 0.3, 1.0):
        assert aupro(masks.astype(float), masks, limit) == pytest.approx(1.0, abs=1e-12)
        assert aupro(np.ones(masks.shape), masks, limit) == pytest.approx(limit / 2)
    assert aupro(-masks.astype(float), masks) == 0.0


def test_a_small_region_weighs_as_much_as_a_large_one():
    masks = np.zeros((1, 12, 12), dtype=bool)
    masks[0, 0, 0] = True
    masks[0, 4:, 4:] = True
    assert aupro(masks * (np.arange(12) < 2), masks) == pytest.approx(0.5 + 0.5 * 0.15)


def test_regions_are_8_connected_and_do_not_reach_into_the_next_image():
    masks = np.zeros((2, 6, 6), dtype=bool)
    masks[0, 1, 1] = masks[0, 2, 2] = True  # one region through the corner
    masks[1, 1, 1] = True  # the same place, another image: another region
    maps = np.zeros(masks.shape)
    maps[0, 1, 1] = 1.0  # half of the first region: overlap 1/4, of pixels it would be 1/3
    # from (0, 1/4) a straight line to (1, 1): height at 0.15 is 1/4 + 0.15 * 3/4
    assert aupro(maps, masks) == pytest.approx(0.25 + 0.15 * 0.75)


def test_a_whole_test_set_has_the_area_of_its_distributions():
    rng = np.random.default_rng(0)
    masks = np.zeros((83, 256, 256), dtype=bool)
    masks[20:, 100:160, 80:140] = True
    maps = rng.standard_normal(masks.shape, dtype=np.float32) + 1.5 * masks
    auc, pro = pixel_auroc(maps, masks), aupro(maps, masks)
    assert auc == pytest.approx(0.8556, abs=0.002)  # Phi(1.5 / sqrt(2))
    assert 0.5 < pro < auc


@pytest.mark.parametrize("metric", [pixel_auroc, pixel_average_precision, aupro])
def test_bad_input_is_named(metric):
    maps, masks = random_case(0, 3)
    with pytest.raises(ValueError, match="resize the maps"):
        metric(maps[:, :4], masks)
    with pytest.raises(ValueError, match="no defect pixel"):
        metric(maps, np.zeros_like(masks))
    with pytest.raises(ValueError, match="no normal pixel"):
        metric(maps, np.ones_like(masks))
    with pytest.raises(ValueError, match="masks > 0"):
        metric(maps, masks * 255)
    maps[1, 2, 3] = np.nan
    with pytest.raises(ValueError, match=r"index \(1, 2, 3\)"):
        metric(maps, masks)


@pytest.mark.parametrize("limit", [0.0, -0.1, 1.1, float("nan")])
def test_a_limit_outside_its_range_is_refused(limit):
    maps, masks = random_case(0, 3)
    with pytest.raises(ValueError, match="limit must be in"):
        aupro(maps, masks, limit)
