"""CIFAR-10 and MNIST with one normal class."""

from pathlib import Path

import numpy as np
import pytest

from hardsight.data import categories, load
from hardsight.data.layouts.cifar10 import CLASSES, LOSSY
from trees import cifar10_tar, mnist, sizes


def test_a_class_of_cifar10_is_normal_and_the_others_are_anomalous(tmp_path: Path) -> None:
    file = cifar10_tar(tmp_path / "cifar10_jpeg.tar")
    assert categories(tmp_path) == list(CLASSES)
    for place in (tmp_path, file):
        data = load(place, "cat", size=32)
        assert (data.name, data.root, data.notes) == ("cat", tmp_path, (LOSSY,))
        assert sizes(data) == (5, 1, 20)
        assert {s.defect for s in data.train.samples + data.validation.samples} == {"good"}
        assert sorted({s.defect for s in data.test.samples} - {"good"}) == sorted(
            set(CLASSES) - {"cat"}
        )
        assert data.test.labels.sum() == 18
    shown = data.train.images().float().mean((1, 2, 3)).numpy()
    assert np.abs(shown - 63).max() < 5
    assert data.train.names[0].startswith("cifar10_jpeg.tar/cifar10/train/cat/")


def test_a_digit_of_mnist(tmp_path: Path) -> None:
    assert categories(mnist(tmp_path)) == [str(digit) for digit in range(10)]
    data = load(tmp_path, "7", size=28)
    assert sizes(data) == (5, 1, 20)
    assert data.notes == ()
    shown = data.test.images()[:, 0, 0, 0].tolist()
    assert shown == [25 * (i % 10) for i in range(20)]
    assert data.test.labels.tolist() == [i % 10 != 7 for i in range(20)]


def test_where_neither_lies_a_class_is_no_category(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"path/category=.*cat' does not exist"):
        load(tmp_path, "cat")
    mnist(tmp_path)
    with pytest.raises(ValueError, match="has no category 'cat'; choose from 0, 1"):
        load(tmp_path, "cat")
