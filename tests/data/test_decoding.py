"""Images and masks that keep their aspect, against what is put together here."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import pad

from hardsight.data import Decoding, folder, read_image
from hardsight.data.masks import read_masks

RNG = np.random.default_rng(0)
WIDE = RNG.integers(0, 256, (4, 8, 3), dtype=np.uint8)


@pytest.fixture
def wide(tmp_path):
    path = tmp_path / "wide.png"
    Image.fromarray(WIDE).save(path)
    return path


def bordered(pixels, above, below):
    """Repeat the first and the last row of (H, W, 3) uint8, as (3, H, W) in [0, 1]."""
    parts = [pixels[:1].repeat(above, 0), pixels, pixels[-1:].repeat(below, 0)]
    return torch.from_numpy(np.concatenate(parts)).permute(2, 0, 1).float() / 255


def test_a_kept_image_lies_in_the_middle_and_its_border_is_repeated(wide):
    assert torch.equal(Decoding((8, 8), aspect="keep").file(wide), bordered(WIDE, 2, 2))
    assert torch.equal(Decoding((7, 8), aspect="keep").file(wide), bordered(WIDE, 1, 2))


def test_it_is_scaled_until_it_fits_either_way(wide):
    small = Decoding((4, 4), aspect="keep").file(wide)
    assert torch.equal(small[:, 1:3], read_image(wide, (2, 4)))
    assert torch.equal(small[:, 0], small[:, 1])
    turned = np.ascontiguousarray(WIDE.swapaxes(0, 1))
    upright = Decoding((4, 4), aspect="keep").picture(Image.fromarray(turned), "turned")
    assert torch.allclose(upright, small.swapaxes(1, 2), atol=1e-6)


@pytest.mark.parametrize("size", [(8, 8), (7, 8), (4, 4), (6, 9), (3, 16)])
def test_the_window_is_the_image_without_what_is_repeated(wide, size):
    decoding = Decoding(size, aspect="keep")
    found, window = decoding.file(wide), decoding.window_of(wide)
    assert window == decoding.window(4, 8)
    rows, columns = window
    inner = found[:, rows, columns]
    assert torch.equal(inner, read_image(wide, tuple(inner.shape[1:])))
    beside = (columns.start, size[1] - columns.stop, rows.start, size[0] - rows.stop)
    assert torch.equal(pad(inner, beside, mode="replicate"), found)


def test_without_repeated_pixels_there_is_no_window(wide):
    assert Decoding((8, 8)).window_of(wide) is None
    assert Decoding((4, 8), aspect="keep").window_of(wide) is None
    assert Decoding((2, 4), aspect="keep").window(4, 8) is None


def test_the_window_of_bytes_is_that_of_the_file(wide, tmp_path):
    lying, tags = tmp_path / "lying.jpg", Image.Exif()
    tags[274] = 6  # stored on its side
    Image.fromarray(WIDE).save(lying, exif=tags)
    for path in (wide, lying):
        for aspect in ("keep", "stretch"):
            decoding, data = Decoding((6, 6), aspect=aspect), path.read_bytes()
            assert decoding.window_in(data, path.name) == decoding.window_of(path)
    assert Decoding((6, 6), aspect="keep").window_of(lying) != decoding.window_of(wide)


def test_every_source_of_an_image_is_decoded_alike(wide):
    decoding = Decoding((6, 6), aspect="keep")
    of_file = decoding.file(wide)
    sent = io.BytesIO()
    Image.fromarray(WIDE).save(sent, "PNG")
    assert torch.equal(decoding.content(sent.getvalue(), "sent"), of_file)
    assert torch.equal(decoding.picture(Image.fromarray(WIDE), "a picture"), of_file)
    frame = torch.from_numpy(WIDE).permute(2, 0, 1).float() / 255
    assert torch.equal(decoding.pixels(frame), of_file)


def test_a_square_image_is_the_same_kept_or_stretched(tmp_path):
    path = tmp_path / "square.png"
    Image.fromarray(RNG.integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(path)
    assert torch.equal(Decoding((5, 5), aspect="keep").file(path), Decoding((5, 5)).file(path))


def test_the_longest_and_thinnest_image_keeps_a_row(tmp_path):
    path = tmp_path / "line.png"
    Image.fromarray(np.full((1, 200, 3), 80, np.uint8)).save(path)
    found = Decoding((8, 8), aspect="keep").file(path)
    torch.testing.assert_close(found, torch.full((3, 8, 8), 80 / 255))


def test_a_mask_follows_its_image_and_marks_nothing_beside_it(wide, tmp_path):
    marked = np.zeros((4, 8), np.uint8)
    marked[0, :3] = marked[3, 7] = 255
    mask = tmp_path / "mask.png"
    Image.fromarray(marked).save(mask)
    found = read_masks(wide, [mask], 8, "keep")
    assert found[0, 2:6].numpy().tolist() == (marked > 0).tolist()
    assert not found[0, :2].any()
    assert not found[0, 6:].any()


def test_a_set_keeps_its_aspect_in_images_masks_and_parts(tmp_path):
    for i in range(4):
        path = tmp_path / "good" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(WIDE + np.uint8(i)).save(path)
    kept = folder("good", root=tmp_path, size=8, aspect="keep")
    path = kept.train.samples[0].path
    assert torch.equal(kept.train[0].image, Decoding((8, 8), aspect="keep").file(path))
    assert kept.train.of(kept.train.samples[:1]).decoding.aspect == "keep"
    assert kept.train.images()[0].equal((kept.train[0].image * 255).round().byte())
