"""STFPM: its loss, its map, and anomalib's with the same weights."""

import pytest
import torch
import torch.nn.functional as F
from tiny_students import images, tiny

from hardsight.detectors import STFPM


def test_the_loss_is_half_the_squared_distance_of_unit_vectors():
    detector = tiny("stfpm")
    x = images()
    expected = 0.0
    for a, b in zip(detector.teacher(x), detector.student(x), strict=True):
        unit = a / a.norm(dim=1, keepdim=True) - b / b.norm(dim=1, keepdim=True)
        expected += 0.5 * unit.square().sum() / a[:, 0].numel()
    torch.testing.assert_close(detector.loss(x), expected)


def test_the_map_is_the_product_of_the_enlarged_distances():
    detector = tiny("stfpm")
    x, maps = images(), 1.0
    for a, b in zip(detector.teacher(x), detector.student(x), strict=True):
        distance = 1 - F.cosine_similarity(a, b)[:, None]
        maps = maps * F.interpolate(distance, (32, 32), mode="bilinear")
    found = detector(x)
    torch.testing.assert_close(found.anomaly_map, maps, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.pred_score, maps.flatten(1).amax(1), rtol=1e-4, atol=1e-6)


def test_a_random_teacher_is_not_its_student():
    assert (tiny("stfpm")(images()).pred_score > 1e-3).all()


def test_anomalibs_scores_from_the_same_weights(monkeypatch):
    pytest.importorskip("anomalib", reason="needs the extra: pip install 'hardsight[anomalib]'")
    from anomalib.models.image.stfpm import torch_model

    extractor = torch_model.TimmFeatureExtractor
    monkeypatch.setattr(  # its teacher would be fetched from the hub
        torch_model, "TimmFeatureExtractor", lambda **k: extractor(**k | {"pre_trained": False})
    )
    theirs = torch_model.STFPMModel(["layer1", "layer2", "layer3"], "resnet18").eval()
    backbone = {"name": "resnet18", "weights": "random", "taps": [1, 2, 3]}
    ours = STFPM(backbone, image_size=64, precision="fp32").eval()
    for mine, other in ((ours.teacher, theirs.teacher_model), (ours.student, theirs.student_model)):
        other.feature_extractor.load_state_dict(mine.network.state_dict())
    x = images(2, 64)
    expected, found = theirs((x - ours.teacher.mean) / ours.teacher.std), ours(x)
    torch.testing.assert_close(found.anomaly_map, expected.anomaly_map, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.pred_score, expected.pred_score[:, 0], rtol=1e-4, atol=1e-6)
