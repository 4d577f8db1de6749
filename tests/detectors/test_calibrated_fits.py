"""What every fit ends with: a threshold, and images decoded as those of the training."""

import pytest
import torch
from tiny_detector import untrained_advrad

from bright import Bright
from hardsight.data import load
from hardsight.detectors import AdvRADFit, PatchCore, PatchGuard
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.fitting import calibrated
from hardsight.detectors.method import FitConfig
from hardsight.detectors.patchguard import PatchGuardFit
from tiny_methods import TINY, TRAINING


@pytest.fixture(scope="module")
def kept(parts):
    """A data set whose images keep their shape, of files of 12 bits."""
    return load(parts, size=32, aspect="keep", bits=12)


def test_calibrated_is_a_detector_with_the_threshold_of_its_normals(kept):
    detector, normals = Bright(32), kept.validation.images()
    found = calibrated(detector, normals, kept, FitConfig(false_alarms=0.4))
    scores = detector.predict(normals).pred_score.double().numpy()
    assert found.calibration.threshold == Calibration.fit(scores, scores, 0.4).threshold
    assert found.detector.calibration == found.calibration
    assert found.detector.decoding == kept.train.decoding
    assert detector.calibration is None


def test_fits_decode_images_as_those_of_the_training(kept, parts):
    training = TRAINING | {"steps": 1}
    advrad = untrained_advrad().fit(
        load(parts, size=16, aspect="keep", bits=12), AdvRADFit(training=training)
    )
    assert (advrad.decoding.aspect, advrad.decoding.bits) == ("keep", 12)
    patchcore = PatchCore(**TINY["patchcore"]["detector"]).fit(kept)
    made = TINY["patchguard"]
    config = PatchGuardFit(training=training, recipe=made["recipe"])
    patchguard = PatchGuard(**made["detector"]).fit(kept, config)
    assert patchcore.decoding == patchguard.decoding == kept.train.decoding


def test_images_without_a_shape_of_their_own_are_scored_alike_from_files(kept):
    detector = PatchCore(**TINY["patchcore"]["detector"]).fit(kept)
    shown = kept.test.images()[:2]
    paths = [sample.path for sample in kept.test.samples[:2]]
    torch.testing.assert_close(
        detector.predict(paths).pred_score, detector.predict(shown).pred_score, atol=1e-3, rtol=0
    )
