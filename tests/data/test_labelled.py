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


def test_labels_between_two_classes_are_refused_and_arrays_and_lists_taken():
    with pytest.raises(ValueError, match=r"labels must be one integer class .* got torch\.float32"):
        LabelledImages.of(BYTES, LABELS + 0.7, classes=2)
    for labels in (LABELS.numpy(), LABELS.tolist()):
        assert LabelledImages.of(BYTES, labels, classes=2).labels.tolist() == LABELS.tolist()
    with pytest.raises(TypeError, match=r"got ndarray; torch\.from_numpy"):
        LabelledImages.of(BYTES.numpy(), LABELS, classes=2)
    for classes in ("10", 10.0):
        with pytest.raises(TypeError, match="classes must be how many"):
            LabelledImages.of(BYTES, LABELS, classes=classes)


def test_labelled_images_are_shown_in_a_line():
    found = LabelledImages.of(BYTES, LABELS, classes=10)
    assert repr(found) == "LabelledImages('images', 4 of 1 x 8 x 8, 10 classes)"
