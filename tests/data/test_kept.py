"""Images that memory cannot hold are refused before one is decoded."""

import pytest

from hardsight.data import load
from hardsight.data.kept import demand_memory, image_bytes


def test_what_images_take_is_what_decoded_ones_do(parts):
    train = load(parts, size=16).train
    assert image_bytes(len(train), 16) == train.images().nbytes


def test_images_and_the_model_beside_them_are_held_against_what_is_free(parts):
    demand_memory(1000, 16)
    demand_memory(0, 16, 1)
    said = r"image_size=16: the 3 images .* the model 1,048,576.0 GiB beside them, and of .* GiB"
    with pytest.raises(ValueError, match=said):
        demand_memory(3, 16, 2**50)
    data = load(parts, size=1_000_000)
    with pytest.raises(ValueError, match=r"image_size=1000000: .* are free; take a smaller size"):
        data.test.images()
