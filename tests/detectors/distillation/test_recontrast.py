"""ReContrast: what is found from what, and which weights learn."""

import torch
from tiny_students import BACKBONE, images, tiny

from hardsight.detectors import ReContrast
from hardsight.detectors.distillation import cosine_distance


def test_each_encoders_features_are_found_from_the_others():
    detector = tiny("recontrast")
    student, x = detector.student, images()
    frozen, trained = detector.teacher(x), student.encoder(x)
    expected, found = detector.features(x)
    count = len(frozen)
    torch.testing.assert_close(expected, frozen + trained)
    of_trained = student.frozen_outputs(student.decoder(student.bottleneck(trained)))
    of_frozen = student.trained_outputs(student.decoder(student.bottleneck(frozen)))
    torch.testing.assert_close(found[:count], of_trained)
    torch.testing.assert_close(found[count:], of_frozen)


def test_the_loss_of_the_first_step_is_the_mean_distance_of_whole_images():
    detector = tiny("recontrast")
    pairs = zip(*detector.features(images()), strict=True)
    each = [cosine_distance(a.flatten(1), b.flatten(1)).mean() for a, b in pairs]
    torch.testing.assert_close(detector.loss(images()), torch.stack(each).mean())


def test_a_fit_starts_both_encoders_from_the_same_weights_and_adapts_one(parts):
    from test_student_fitting import config

    from hardsight.data import load

    data = load(parts, size=16)
    fit = config("recontrast", parts, steps=2).fit
    found = ReContrast(BACKBONE, 16, precision="fp32").fit(data, fit)
    frozen, trained = found.teacher.state_dict(), found.student.encoder.state_dict()
    assert not torch.equal(frozen["network.conv1.0.weight"], trained["network.conv1.0.weight"])
    torch.testing.assert_close(frozen, trained, rtol=0.1, atol=0.01)
