from dataclasses import replace

import pytest
import torch
from tiny_detector import images

from hardsight.attacks import L2, PGD, Linf, ScoreObjective, value_and_gradient
from hardsight.detectors import AdvRAD, Bastion, ReferenceStatistics, Scoring, Tiling
from hardsight.detectors.advrad.maps import multiscale_error
from hardsight.detectors.mean_filter import inner_mean_filter, mean_filter
from hardsight.diffusion import one_shot


def test_algorithm_4_step_by_step(make_advrad):
    """FreeRAD's score for one draw: reconstruct, error, filter, absolute deviation, maximum."""
    detector = make_advrad(reference="deviation", aggregation="max", draws=1)
    x = images()
    noise = detector.sample_noise(x, torch.Generator().manual_seed(0))
    r = (one_shot(detector.denoiser, 2 * x - 1, detector.scoring.k, noise[:, 0]) + 1) / 2
    expected = (mean_filter(multiscale_error(x, r), 3) - detector.map_mean).abs()
    found = detector(x, noise)
    torch.testing.assert_close(found.anomaly_map, expected)
    torch.testing.assert_close(found.pred_score, expected.flatten(1).amax(1))


@pytest.mark.parametrize("average", ["error", "reconstruction"])
def test_draws_are_averaged_as_named(make_advrad, average):
    detector = make_advrad(average=average, draws=3)
    x = images()
    noise = detector.sample_noise(x, torch.Generator().manual_seed(0))
    r = detector.reconstruct(x, noise)
    assert r.shape == (3, 3, 3, 16, 16)
    each = torch.stack([multiscale_error(x, r[:, d]) for d in range(3)]).mean(0)
    together = multiscale_error(x, r.mean(1))
    expected = each if average == "error" else together
    torch.testing.assert_close(detector.error_map(x, noise), expected)
    assert not torch.allclose(each, together)


def test_deterministic_given_the_noise_and_random_without(make_advrad):
    detector, x = make_advrad(), images()
    noise = detector.sample_noise(x, torch.Generator().manual_seed(0))
    assert torch.equal(detector(x, noise).pred_score, detector(x, noise).pred_score)
    assert not torch.equal(detector(x).pred_score, detector(x).pred_score)


@pytest.mark.parametrize("settings", [
    {"reference": "standardised", "aggregation": "top:0.1"},
    {"reference": "deviation", "aggregation": "max"},
    {"reference": "error", "aggregation": "mean", "average": "reconstruction"},
    {"shots": 3, "k": 30},
])  # fmt: skip
def test_gradient_through_the_whole_path_equals_finite_differences(make_advrad, settings):
    detector = make_advrad(**settings).double()
    x = images(2, torch.float64)
    noise = detector.sample_noise(x, torch.Generator().manual_seed(0))
    objective = ScoreObjective(detector, torch.tensor([False, True]), noise=noise)
    _, gradient = value_and_gradient(objective, x)
    g = torch.Generator().manual_seed(7)
    for _ in range(4):
        d = torch.randn(x.shape, generator=g, dtype=x.dtype)
        h = 1e-6
        numeric = (objective(x + h * d) - objective(x - h * d)) / (2 * h)
        torch.testing.assert_close((gradient * d).flatten(1).sum(1), numeric, rtol=1e-4, atol=1e-9)


def test_gradient_reaches_beyond_a_saturated_reconstruction(make_advrad):
    """No clamp: where the reconstruction leaves [0, 1] there still is a gradient."""
    detector = make_advrad(aggregation="mean", reference="error").double()
    x = torch.ones(1, 3, 16, 16, dtype=torch.float64)
    objective = ScoreObjective(detector, torch.tensor([False]), noise=detector.sample_noise(x))
    assert (value_and_gradient(objective, x)[1] != 0).all()


@pytest.mark.parametrize("ball", [Linf(4 / 255), L2(0.2)])
def test_attacks_raise_normal_and_lower_anomalous_scores_inside_the_ball(make_advrad, ball):
    detector, x = make_advrad(), images(4)
    labels = torch.tensor([False, False, True, True])
    noise = detector.sample_noise(x, torch.Generator().manual_seed(0))
    found = PGD(ball, steps=10)(ScoreObjective(detector, labels, noise=noise), x).images
    assert torch.all(ball.distance(found, x) <= ball.eps + 1e-6)
    assert found.min() >= 0
    assert found.max() <= 1
    before, after = detector(x, noise).pred_score, detector(found, noise).pred_score
    assert torch.all((after > before) == ~labels)


def test_a_second_filter_is_of_the_map_alone(make_advrad):
    plain, filtered, x = make_advrad(), make_advrad(map_filter_size=5), images(4)
    noise = plain.sample_noise(x, torch.Generator().manual_seed(0))
    before, after = plain(x, noise), filtered(x, noise)
    assert torch.equal(before.pred_score, after.pred_score)
    torch.testing.assert_close(after.anomaly_map, inner_mean_filter(before.anomaly_map, 5))


def test_predict_labels_once_calibrated(make_advrad):
    detector, x = make_advrad(), images(6)
    assert detector.predict(x).pred_label is None
    detector = detector.calibrate(images(20), level=0.1)
    found = detector.predict(x, torch.Generator().manual_seed(1), batch_size=4)
    assert torch.equal(found.pred_label, found.pred_score > detector.calibration.threshold)
    assert found.pred_mask.shape == (6, 1, 16, 16)
    as_bytes = detector.predict((x * 255).round().byte(), torch.Generator().manual_seed(1), 4)
    torch.testing.assert_close(as_bytes.pred_score, found.pred_score, rtol=0.05, atol=0.01)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.rand(1, 3, 32, 32), "size=16"),
        (torch.rand(1, 1, 16, 16), r"\(B, 3, 16, 16\)"),
        (torch.rand(3, 16, 16), r"image\[None\]"),
        (torch.rand(1, 3, 16, 16) * 3, r"in \[0, 1\]"),
        (torch.full((1, 3, 16, 16), torch.nan), "finite"),
    ],
)
def test_wrong_images_are_explained(make_advrad, x, message):
    with pytest.raises(ValueError, match=message):
        make_advrad().predict(x)


@pytest.mark.parametrize(
    ("shots", "k", "steps"),
    [
        (1, 100, 1),
        (7, 100, 7),
        ("k", 30, 30),
        ("0.05 k", 200, 10),
        ("0.25k", 30, 8),
        (".01 k", 9, 1),
    ],
)
def test_denoising_steps_are_a_number_or_a_share_of_k(make_advrad, shots, k, steps):
    detector = make_advrad(shots=shots, k=k, draws=1)
    assert detector.scoring.steps == steps
    assert detector.exportable == (steps == 1)
    noise = detector.sample_noise(images(2))
    assert noise.shape == (2, 1, *([steps] if steps > 1 else []), 3, 16, 16)
    x = images(2)
    same = make_advrad(shots=steps, k=k, draws=1)
    assert torch.equal(detector(x, noise).pred_score, same(x, noise).pred_score)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 0}, "need 1 <= shots <= k, got shots=1, k=0"),
        ({"k": 2000}, "need k <= 1000, got k=2000"),
        ({"shots": 200, "k": 100}, "shots=200"),
        ({"shots": "1.5 k", "k": 100}, "shots=1.5 k, k=100"),
        ({"shots": "half"}, "shots='half' is neither a number of steps nor a share of k"),
        ({"image_size": 12}, "image_size must be a multiple of 8, got 12"),
        ({"draws": 0}, "draws"),
        ({"average": "median"}, "average"),
        ({"margin": -0.1}, r"margin must be in \[0, 1\], got -0.1"),
        ({"filter_size": 4}, "filter_size"),
        ({"map_filter_size": 4}, "filter_size"),
        ({"aggregation": "most"}, "aggregation"),
        ({"reference": "zscore"}, "reference"),
    ],
)
def test_wrong_settings_are_named(make_advrad, settings, message):
    with pytest.raises(ValueError, match=message):
        make_advrad(**settings)


def test_noise_for_other_images_is_refused(make_advrad):
    detector = make_advrad()
    with pytest.raises(ValueError, match="noise is for 2 images, got 3"):
        detector(images(3), detector.sample_noise(images(2)))


def test_fixed_noise_has_as_many_draws_and_shots_as_the_detector(make_advrad):
    detector = make_advrad(fixed_noise=True, seed=3)
    four = detector.with_scoring(replace(detector.scoring, draws=4), detector.statistics)
    made = make_advrad(fixed_noise=True, draws=4, seed=3)
    assert four.known_noise(1).shape == (1, 4, 3, 16, 16)
    assert torch.equal(four.known_noise(1), made.known_noise(1))
    assert four.settings == made.settings
    assert detector.known_noise(1).shape == (1, 2, 3, 16, 16)
    shots = four.with_scoring(replace(four.scoring, shots=2), detector.statistics)
    assert shots.known_noise(1).shape == (1, 4, 2, 3, 16, 16)
    assert shots.reconstruct(images()).shape == (3, 4, 3, 16, 16)


def test_bfloat16_scores_are_close_to_single_precision(make_advrad):
    exact, fast = make_advrad(), make_advrad(precision="bf16")
    x = images(8)
    noise = exact.sample_noise(x, torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        fast(x, noise).pred_score, exact(x, noise).pred_score, rtol=0.05, atol=0.0
    )


def test_another_scoring_shares_the_networks_and_leaves_the_detector_as_it_was(make_advrad):
    detector, x = make_advrad().calibrate(images(20), 0.1), images()
    noise = detector.sample_noise(x, torch.Generator().manual_seed(0))
    before = detector(x, noise)
    errors = 0.2 * torch.rand(6, 1, 16, 16)
    scoring = Scoring(k=30, filter_size=5, aggregation="max")
    found = detector.with_scoring(scoring, ReferenceStatistics.of(errors, 5))
    assert found.denoiser is detector.denoiser
    assert found.calibration is None
    made = make_advrad(k=30, filter_size=5, aggregation="max")
    made.map_mean.copy_(mean_filter(errors, 5).mean(0, keepdim=True))
    made.map_spread.copy_(mean_filter(errors, 5).std(0, keepdim=True))
    assert torch.equal(found(x, noise).pred_score, made(x, noise).pred_score)
    assert torch.equal(detector(x, noise).pred_score, before.pred_score)
    assert detector.calibration is not None


def test_statistics_are_kept_only_for_errors_that_they_are_of(make_advrad):
    detector = make_advrad()
    for same in ({"aggregation": "max"}, {"reference": "deviation"}, {"map_filter_size": 3}):
        found = detector.with_scoring(replace(detector.scoring, **same))
        assert torch.equal(found.map_mean, detector.map_mean)
    detector.with_scoring(replace(detector.scoring, k=30, reference="error"))  # needs none
    for other in ({"k": 30}, {"draws": 3}, {"filter_size": 5}, {"margin": 0.1}):
        with pytest.raises(ValueError, match=r"give their statistics: ReferenceStatistics\.of"):
            detector.with_scoring(replace(detector.scoring, **other))


@pytest.mark.parametrize("method", [AdvRAD, Bastion])
def test_settings_are_flat_or_in_groups(method):
    flat = {"image_size": 32, "k": 30, "tile": 16, "overlap": 0.5, "precision": "fp32"}
    groups = {"image_size": 32, "scoring": {"k": 20}, "tiling": Tiling(16, 0.5), "k": 30}
    one, other = (method.from_settings(s) for s in (flat, groups | {"precision": "fp32"}))
    assert one.settings == other.settings
    assert one.scoring == replace(method(image_size=16).scoring, k=30)
    assert one.tiling == other.tiling == Tiling(16, 0.5)


def test_settings_of_tiles_without_their_size_are_refused():
    """They were left out, and whole images reconstructed."""
    with pytest.raises(ValueError, match="two_scales: of tiles, whose size is not given; set tile"):
        AdvRAD.from_settings({"image_size": 32, "two_scales": True})
    whole = AdvRAD.from_settings({"image_size": 32, "tiling": {"tile": None, "overlap": 0.5}})
    assert whole.tiling is None


def test_reference_statistics_are_those_of_all_filtered_maps():
    errors = torch.rand(130, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    maps = mean_filter(errors, 5)
    found = ReferenceStatistics.of(errors, 5)
    assert torch.equal(found.mean, maps.mean(0, keepdim=True))
    assert torch.equal(found.spread, maps.std(0, keepdim=True))
    with pytest.raises(ValueError, match="at least 2 normal images, got 1"):
        ReferenceStatistics.of(errors[:1], 5)
