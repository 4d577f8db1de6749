import numpy as np
import pytest
import torch

from hardsight.core.types import check_classes, check_images, check_labels, check_masks


@pytest.mark.parametrize("values", [[0, 1], np.array([False, True]), torch.tensor([0, 1]).byte()])
def test_labels_and_masks_become_bool(values):
    assert torch.equal(check_labels(values), torch.tensor([False, True]))
    masks = torch.as_tensor(values).view(2, 1, 1, 1)
    assert torch.equal(check_masks(masks).flatten(), torch.tensor([False, True]))


@pytest.mark.parametrize(
    ("check", "values", "message"),
    [
        (check_labels, [1, -1], "labels must be booleans or 0 and 1, got -1"),
        (check_labels, [0.0, 1.0], "labels > 0.5"),
        (check_labels, [[0]], r"shape \(B,\)"),
        (check_labels, [], "labels must"),
        (check_masks, np.zeros((2, 4, 4), bool), r"masks\[:, None\]"),
        (check_masks, np.zeros((2, 3, 4, 4), bool), r"\(B, 1, H, W\)"),
        (check_masks, np.full((1, 1, 2, 2), 255, np.uint8), "got 255; compare first: masks > 0"),
        (check_classes, [0, -2], "from 0 on, got -2"),
        (check_classes, [True, False], "integer class"),
        (check_classes, [0.5], "integer class"),
    ],
)
def test_other_truths_are_refused_in_words(check, values, message):
    with pytest.raises(ValueError, match=message):
        check(values)


def test_what_is_no_tensor_is_named():
    with pytest.raises(TypeError, match="labels must be booleans or 0 and 1, got list"):
        check_labels(["good", "defect"])


def test_classes_become_int64():
    assert check_classes(np.array([2, 0], np.uint8)).dtype == torch.int64


def test_images_a_rounding_error_outside_are_images():
    x = torch.full((1, 3, 2, 2), 1 + 5e-7)
    assert check_images(x) is x
