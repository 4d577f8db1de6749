from dataclasses import replace

import pytest
import torch
from tiny_detector import tiny_advrad, tiny_bastion
from torch import Generator, Tensor

from hardsight.core.types import Detection
from hardsight.data import Decoding
from hardsight.detectors import Detector, Smoothed, Tiled, TwoWitnesses, Wrapped
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.methods import METHODS


def images(n: int = 7, size: int = 16) -> Tensor:
    return torch.rand(n, 3, size, size, generator=Generator().manual_seed(5))


def noisy_mean(x: Tensor) -> Tensor:
    return x.mean((1, 2, 3)) + torch.rand(1)


RANDOM = {
    "advrad": tiny_advrad,
    "advrad, several shots": lambda: tiny_advrad(shots=3, draws=3),
    "advrad, fixed noise": lambda: tiny_advrad(fixed_noise=True),
    "bastion": tiny_bastion,
    "smoothed": lambda: Smoothed(tiny_advrad(), 0.1),
    "wrapped, seeded": lambda: Wrapped(noisy_mean, 16, seeded=True),
    "tiled": lambda: Tiled(Wrapped(noisy_mean, 8, seeded=True), 16),
}


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
def test_an_image_has_the_same_score_alone_in_any_batch_and_in_any_order(make):
    detector, x = make(), images()
    found = detector.predict(x).pred_score
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    torch.manual_seed(99)  # what else was drawn does not matter
    for scores in (
        torch.cat([detector.predict(x[i : i + 1]).pred_score for i in range(7)]),
        detector.predict(x[order], batch_size=3).pred_score[order.argsort()],
        torch.cat([found[:2], detector.predict(x[2:]).pred_score]),
        make().predict(x, batch_size=2).pred_score,
    ):
        torch.testing.assert_close(scores, found, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
def test_random_says_whether_there_is_noise(make):
    detector = make()
    noise = detector.sample_noise(images(2), Generator().manual_seed(0))
    assert detector.random == (noise is not None)


def test_the_known_noise_is_that_of_the_seed_for_every_image():
    detector, x = tiny_advrad(seed=3), images(2)
    one = detector.sample_noise(x[:1], Generator().manual_seed(3))
    noise = detector.decision_noise(x)
    assert torch.equal(noise, torch.cat([one, one]))
    assert not torch.equal(noise, tiny_advrad(seed=4).decision_noise(x))
    torch.testing.assert_close(detector.predict(x).pred_score, detector(x, noise).pred_score)
    fixed = tiny_advrad(seed=3, fixed_noise=True)
    assert torch.equal(fixed.predict(x).pred_score, detector.predict(x).pred_score)


def test_fresh_noise_asks_for_a_generator():
    detector, x = tiny_advrad(), images(3)
    generator = Generator().manual_seed(0)
    first, second = (detector.predict(x, generator=generator).pred_score for _ in range(2))
    assert not torch.allclose(first, second)
    noise = detector.sample_noise(x, Generator().manual_seed(0))
    torch.testing.assert_close(first, detector(x, noise).pred_score)


class Contradicting(Detector):
    """Draws noise, and says that it does not."""

    image_size = 16

    def sample_noise(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        return torch.randn(len(images), generator=generator)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        raise NotImplementedError


def test_a_detector_that_hides_its_noise_is_refused():
    with pytest.raises(TypeError, match="random is False, and sample_noise returned noise; set"):
        Contradicting().decision_noise(images())


def test_nothing_is_decided_without_a_threshold():
    detector, x = tiny_advrad(), images()
    found = detector.predict(x)
    assert found.pred_label is None
    for ask in (lambda: detector.label(found), lambda: detector.decide(x)):
        with pytest.raises(ValueError, match=r"no threshold.*detector\.calibrate\(normals\)"):
            ask()


@pytest.mark.parametrize("lost", [torch.nan, torch.inf, -torch.inf])
def test_what_is_not_finite_is_never_labelled_good(lost):
    detector = tiny_advrad().with_calibration(Calibration(0.5, 0.6, 0.6, (0.1, 0.2)))
    values = torch.tensor([0.5, lost, 0.6, 0.7])
    found = detector.label(Detection(values, values.view(4, 1, 1, 1)))
    assert found.pred_label.tolist() == [False, True, False, True]
    assert found.pred_mask.flatten().tolist() == [False, True, False, True]


def test_calibrating_returns_a_detector_and_leaves_the_first_as_it_was():
    detector, x = tiny_advrad(), images(30)
    found = detector.calibrate(x, level=0.1)
    assert detector.calibration is None
    expected = Calibration.fit(
        detector.predict(x).pred_score.double().numpy(),
        detector.predict(x).anomaly_map.flatten(1).amax(1).double().numpy(),
        0.1,
    )
    assert found.calibration == expected
    decided = found.decide(x)
    assert torch.equal(decided.pred_label, decided.pred_score > expected.threshold)
    assert torch.equal(decided.pred_mask, decided.anomaly_map > expected.map_threshold)
    assert int(decided.pred_label.sum()) <= 0.1 * 30
    assert all(a is b for a, b in zip(found.parameters(), detector.parameters(), strict=True))
    assert found.with_calibration(None).calibration is None


def test_calibrating_anew_decodes_images_as_before_and_so_do_detectors_around():
    kept = Decoding((16, 16), bits=12, aspect="keep")
    detector = tiny_advrad().calibrate(images(), level=0.5)
    assert detector.decoding == Decoding((16, 16))
    detector = detector.with_calibration(detector.calibration.decoded_as(kept))
    assert detector.calibrate(images(), level=0.25).decoding == kept
    assert detector.with_calibration(None).decoding == kept
    assert detector.with_scoring(detector.scoring).decoding == kept
    both = TwoWitnesses(detector, detector.with_calibration(None))
    assert both.decoding == both.calibrated(images(8), level=0.5).decoding == kept
    smoothed = Smoothed(detector, 0.1)
    assert smoothed.decoding == smoothed.calibrate(images(), level=0.5).decoding == kept
    large = Tiled(Wrapped(noisy_mean, 16, seeded=True).with_calibration(detector.calibration), 32)
    assert large.decoding == replace(kept, size=(32, 32))


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_capabilities_are_known_before_a_detector_is_made(method):
    names = ("exportable", "has_maps", "differentiable", "random", "categories")
    assert all(isinstance(getattr(method.detector, name), bool) for name in names)
