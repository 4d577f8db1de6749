"""What every student of a teacher keeps: gradients, files, settings."""

import pytest
import torch
from tiny_students import BACKBONE, STUDENTS, images, tiny

from hardsight.backbones import BackboneError
from hardsight.detectors import demand_gradient

METHODS = pytest.mark.parametrize("method", STUDENTS)


@METHODS
def test_the_gradient_of_the_score_is_exact(method):
    generator = torch.Generator().manual_seed(0)
    assert demand_gradient(tiny(method), images(), generator).exact


@METHODS
def test_what_is_saved_scores_alike(method, tmp_path):
    """The teacher too comes from the file: its weights are not those of its name."""
    detector = tiny(method, seed=3)
    with torch.no_grad():
        for weight in detector.teacher.parameters():
            weight.mul_(1.1)
    before = detector(images())
    detector.save_pretrained(tmp_path)
    again = type(detector).from_pretrained(tmp_path)
    assert torch.equal(again(images()).anomaly_map, before.anomaly_map)
    assert torch.equal(again(images()).pred_score, before.pred_score)
    assert again.settings == detector.settings


@METHODS
def test_the_seed_decides_the_students_weights_alone(method):
    one, same, other = (STUDENTS[method](BACKBONE, 32, seed=seed) for seed in (0, 0, 1))
    for name, weights in one.state_dict().items():
        assert torch.equal(weights, same.state_dict()[name])
        if name.startswith("teacher."):
            assert torch.equal(weights, other.state_dict()[name])
    assert not torch.equal(one(images()).pred_score, other(images()).pred_score)


@METHODS
def test_the_student_learns_and_the_teacher_does_not(method):
    detector = tiny(method)
    detector.train()
    before = {k: v.clone() for k, v in detector.teacher.state_dict().items()}
    detector.loss(images()).backward()
    for name, weight in detector.student.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
    assert all(weight.grad is None for weight in detector.teacher.parameters())
    after = detector.teacher.state_dict()
    assert all(torch.equal(after[k], v) for k, v in before.items())


@METHODS
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_size": 30}, "image_size=30 is not a multiple of"),
        ({"backbone": {"nme": "x"}}, "backbone={'nme': 'x'}: .*unexpected keyword argument 'nme'"),
        ({"backbone": {"name": "resnet0"}}, "backbone name='resnet0'"),
    ],
)
def test_wrong_settings_are_named(method, settings, message):
    with pytest.raises(ValueError, match=message):
        tiny(method, **settings)


@METHODS
def test_wrong_weights_are_named(method):
    with pytest.raises(BackboneError, match="none of 'bundled', 'hub', 'random'"):
        tiny(method, backbone=BACKBONE | {"weights": "imagenet"})
