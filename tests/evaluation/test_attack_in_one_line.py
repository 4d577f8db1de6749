import numpy as np
import pytest
import torch

from hardsight import attack, evaluate
from hardsight.audit import audit
from hardsight.data import LabelledImages
from hardsight.evaluation import Protocol
from hardsight.evaluation.detectors import matched

NORMAL = [100, 102, 104, 106]
ANOMALOUS = [105, 110, 112, 116]


def brightness(images):
    return images.mean((1, 2, 3))


def test_a_function_is_attacked_in_one_line(make_set):
    """Every score moves by eps, away from its label: AUROC by counting."""
    data = make_set(NORMAL, ANOMALOUS)
    found = attack(brightness, data, suite="pgd", eps="3.5/255")
    row = next(r for r in found.rows if r.attack == "pgd")
    assert row.mean.value == np.mean([a - n > 7 for a in ANOMALOUS for n in NORMAL])
    assert row.budget.attacks == "PGD 20 steps x 1 draw on score"
    assert {r.target for r in found.rows} == {"image"}  # a function of scores localises nothing


def test_a_folder_is_read_at_the_size_the_model_takes(make_set, bright):
    data = make_set(NORMAL, ANOMALOUS)
    detector, read = matched(bright(image_size=8), data.root)
    assert read.test.size == detector.image_size == 8
    detector, read = matched(brightness, data.root, image_size=12)
    assert read.test.size == detector.image_size == 12
    with pytest.raises(ValueError, match="image_size=None"):
        matched(brightness, data.root)


def test_a_function_is_audited_in_one_line(make_set):
    data = make_set([90, 95, 100, 105], [110, 115, 120, 125])
    found = audit(brightness, data, eps="8/255", budget="quick", images=8)
    assert found["gradient"].verdict == "pass"
    x, labels = data.test.images(), torch.from_numpy(data.test.labels)
    again = audit(brightness, (x, labels), eps="8/255", budget="quick")
    assert again["gradient"].verdict == "pass"


def test_evaluate_takes_a_folder_too_and_nothing_else(make_set, bright):
    data = make_set(NORMAL, ANOMALOUS)
    found = evaluate(bright(image_size=8), data.root, suites=[])
    assert found.title.endswith(data.name)
    with pytest.raises(TypeError, match="data must be a data set or its folder, got ImageSet"):
        evaluate(bright(image_size=8), data.test)


def test_a_classifiers_images_are_sent_to_its_evaluation():
    images = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    data = LabelledImages("two", images, torch.tensor([0, 1]), ("a", "b"))
    with pytest.raises(TypeError, match=r"got LabelledImages; .* evaluate_classifier"):
        attack(torch.nn.Flatten(), data)


def test_a_curve_is_in_the_norm_of_the_attack(make_set):
    how = {"norm": "L2", "protocol": Protocol(gallery=0, curve=[1.5])}
    found = attack(brightness, make_set(NORMAL, ANOMALOUS), "pgd", 0.5, **how)
    (curve,) = found.curves
    assert (curve.x_label, found.rows[-1].norm) == ("L2 eps", "L2")
