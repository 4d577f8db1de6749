import pytest
import torch

from hardsight.data import LabelledImages

BYTES = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8)
LABELS = torch.tensor([0, 1, 1, 0], dtype=torch.int32)


def test_floats_that_were_bytes_become_them_again():
    found = LabelledImages.of(BYTES / 255, LABELS, classes=10)
    assert torch.equal(found.images, BYTES)
    assert found.labels.tolist() == LABELS.tolist()
    assert found.classes == tuple("0123456789")
    again = LabelledImages.of(BYTES, LABELS, classes=("cat", "dog"), name="pets")
    assert (again.name, again.classes) == ("pets", ("cat", "dog"))
    assert torch.equal(again.images, BYTES)


def test_what_was_no_bytes_is_refused_and_not_rounded():
    with pytest.raises(ValueError, match=r"must be n/255, .* got 0\.0116"):
        LabelledImages.of(BYTES / 255 * 0.99, LABELS, classes=2)
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        LabelledImages.of(BYTES.float(), LABELS, classes=2)
    with pytest.raises(ValueError, match=r"labels must be in 0..0"):
        LabelledImages.of(BYTES, LABELS, classes=1)
