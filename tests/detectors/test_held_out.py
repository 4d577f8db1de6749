"""Held-out normals: what chooses never calibrates, of one category or of several."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from hardsight.data import load, together
from hardsight.detectors.held_out import shares, validation_shares
from tiny_parts import write_parts


@pytest.fixture(scope="module")
def both(parts, tmp_path_factory):
    """Two categories, of the first an odd number of held-out images."""
    other = write_parts(tmp_path_factory.mktemp("other") / "screws", seed=1)
    one, two = load(parts, size=16), load(other, size=16)
    odd = replace(one, validation=one.validation.of(one.validation.samples[:3]))
    return together([odd, two])


def contents(images: Tensor) -> list[bytes]:
    return [image.numpy().tobytes() for image in images]


def test_every_other_image_calibrates_where_something_is_chosen():
    rows = torch.arange(7)
    choosing, calibrating = shares(rows, True)
    assert (choosing.tolist(), calibrating.tolist()) == ([0, 2, 4, 6], [1, 3, 5])
    assert shares(rows, False)[1].tolist() == rows.tolist()


def test_of_several_categories_each_is_shared_by_itself(both):
    choosing, calibrating = (contents(x) for x in validation_shares(both, True))
    one, two = (contents(part.validation.images()) for part in both.categories)
    assert choosing[:4] == [one[0], two[0], one[2], two[2]]
    assert calibrating == [one[1], *two[1::2]]
    assert sorted(choosing + calibrating) == sorted(contents(both.validation.images()))


def test_all_calibrate_where_nothing_is_chosen(both):
    assert torch.equal(validation_shares(both, False)[1], both.validation.images())
