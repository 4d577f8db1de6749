import pytest
import torch
from scipy.spatial.distance import mahalanobis
from tiny_banks import TINY, attacked_auroc, clean_auroc, images, saved_and_loaded

from hardsight.config import load_preset
from hardsight.detectors import BankFit, PaDiM, demand_gradient
from hardsight.detectors.memory_bank.gaussians import Gaussians


@pytest.fixture(scope="module")
def detector(stripes):
    return PaDiM(**TINY, channels=20).fit(stripes)


def test_distances_are_those_of_scipy():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(30, 4, 6, generator=generator) @ torch.randn(6, 6, generator=generator) + 5
    gaussians = Gaussians(4, 6, ridge=0.01)
    gaussians.fit(torch.split(x, 7))
    queries = x[:3] + torch.randn(3, 4, 6, generator=generator)
    found = gaussians.distances(queries)
    for p in range(4):
        covariance = torch.cov(x[:, p].T.double()) + 0.01 * torch.eye(6)
        for i in range(3):
            right = mahalanobis(queries[i, p], x[:, p].mean(0), torch.linalg.inv(covariance))
            assert float(found[i, p]) == pytest.approx(right, rel=1e-3)


def test_the_mean_image_has_distance_0_and_a_finite_gradient():
    gaussians = Gaussians(2, 3)
    x = torch.zeros(1, 2, 3, requires_grad=True)
    gaussians.distances(x).sum().backward()
    assert x.grad.eq(0).all()


def test_channels_are_drawn_by_the_seed():
    first, same, other = (PaDiM(**TINY, channels=20, seed=s).chosen for s in (0, 0, 1))
    assert len(first.unique()) == 20
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    everything = PaDiM(**TINY, channels=10_000)
    assert len(everything.chosen) == sum(everything.backbone.channels)


def test_the_gradient_of_the_score_is_exact(detector):
    assert demand_gradient(detector, images(2), torch.Generator().manual_seed(0)).exact


def test_it_tells_defects_and_an_attack_takes_that_away(detector, stripes):
    assert clean_auroc(detector, stripes) > 0.95
    assert attacked_auroc(detector, stripes, 2 / 255) < clean_auroc(detector, stripes) - 0.2


def test_a_run_is_saved_and_loaded_bit_for_bit(tmp_path, stripes):
    values = {"detector": TINY | {"channels": 10}}
    saved_and_loaded("padim", values, stripes, tmp_path / "run")


def test_the_preset_shows_the_defaults():
    config = load_preset("padim")
    shown = {k: v for k, v in config.arguments.items() if k not in ("backbone", "seed")}
    assert shown.items() <= PaDiM().settings.items()
    assert config.fit == BankFit()


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"channels": 0}, "channels must be at least 1"), ({"ridge": 0.0}, "ridge must be positive")],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        PaDiM(**TINY | settings)


def test_one_image_has_no_covariance():
    with pytest.raises(ValueError, match="at least 2 images, got 1"):
        Gaussians(4, 3).fit([torch.zeros(1, 4, 3)])
