import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from tiny_banks import TINY, attacked_auroc, clean_auroc, images, saved_and_loaded

from hardsight.config import load_preset
from hardsight.detectors import SPADE, BankFit, demand_gradient


@pytest.fixture(scope="module")
def detector(stripes):
    return SPADE(**TINY, retrieved=4, sigma=0.0).fit(stripes)


def test_score_and_map_are_those_of_scikit_learn(detector, stripes):
    """Neighbours among the images, then neighbours among all patches of these."""
    gallery = detector.embed(detector.prepare(stripes.train.images()))
    x = images()
    patches = detector.embed(x)
    search = NearestNeighbors(n_neighbors=4, algorithm="brute").fit(gallery.mean(1).numpy())
    away, like = search.kneighbors(patches.mean(1).numpy())
    found = detector(x)
    score = torch.from_numpy(away).float().mean(1)
    torch.testing.assert_close(found.pred_score, score, rtol=1e-4, atol=1e-4)
    for i in range(3):
        pool = gallery[torch.from_numpy(like[i])].flatten(0, 1)
        apart = torch.cdist(patches[i], pool).amin(1)
        maps = detector.enlarged(apart.view(1, 1, 4, 4))[0]
        torch.testing.assert_close(found.anomaly_map[i], maps, rtol=1e-3, atol=1e-3)


def test_what_it_takes_once_fitted_is_known_before(detector, stripes):
    made = SPADE(**TINY, retrieved=4, sigma=0.0)
    tensors = [*detector.parameters(), *detector.buffers()]
    taken = sum(x.numel() * x.element_size() for x in tensors)
    assert made.fitted_bytes(len(stripes.train)) == detector.fitted_bytes(len(stripes.train))
    assert made.fitted_bytes(len(stripes.train)) == taken
    assert made.fitted_bytes(1) < taken


def test_the_gradient_of_the_score_is_exact(detector):
    assert demand_gradient(detector, images(2), torch.Generator().manual_seed(0)).exact


def test_the_gradient_of_the_map_is_that_of_finite_differences(detector):
    wide = SPADE(**TINY, retrieved=4, gallery=len(detector.images)).double().eval()
    wide.load_state_dict(detector.state_dict())
    x = images(1).double().requires_grad_()
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(1)).double()
    (gradient,) = torch.autograd.grad(wide(x).anomaly_map.sum(), x)
    with torch.no_grad():
        up, down = (wide(x + h * direction).anomaly_map.sum() for h in (1e-6, -1e-6))
    assert float((gradient * direction).sum()) == pytest.approx(float((up - down) / 2e-6), rel=1e-3)


def test_it_tells_defects_and_an_attack_takes_that_away(detector, stripes):
    assert clean_auroc(detector, stripes) > 0.9
    assert attacked_auroc(detector, stripes, 2 / 255) < clean_auroc(detector, stripes) - 0.2


def test_a_run_is_saved_and_loaded_bit_for_bit(tmp_path, stripes):
    _, again = saved_and_loaded("spade", {"detector": TINY}, stripes, tmp_path / "run")
    assert again.settings["gallery"] == len(again.images) == len(stripes.train)


def test_the_preset_shows_the_defaults():
    config = load_preset("spade")
    shown = {k: v for k, v in config.arguments.items() if k != "backbone"}
    assert shown.items() <= SPADE().settings.items()
    assert config.fit == BankFit()


def test_no_images_to_compare_with_are_refused():
    with pytest.raises(ValueError, match="retrieved must be at least 1, got 0"):
        SPADE(**TINY, retrieved=0)
