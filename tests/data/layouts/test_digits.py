import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from hardsight.config.data import LabelledConfig, load_labelled
from hardsight.data.layouts.digits import digits, write_digits


def test_the_digits_are_those_of_scikit_learn(tmp_path):
    write_digits(tmp_path / "digits")
    train, test = (digits(tmp_path / "digits", part) for part in ("train", "test"))
    known = load_digits()
    images = torch.cat((train.images, test.images))
    assert images.shape == (1797, 1, 8, 8)
    np.testing.assert_allclose(images[:, 0].numpy() / 255 * 16, known.images, atol=16 / 510)
    assert torch.cat((train.labels, test.labels)).tolist() == known.target.tolist()
    found = load_labelled(LabelledConfig(path=str(tmp_path / "digits")), "test")
    assert (found.name, found.sha256) == ("Digits test", test.sha256)


def test_a_folder_without_them_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no digits_test\.npz"):
        digits(tmp_path)
