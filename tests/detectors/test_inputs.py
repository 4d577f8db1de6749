"""Every form of the same images is scored alike, and what is none is explained."""

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_detector import tiny_advrad

from hardsight.data import ImageError, read_image

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
TENSOR = torch.from_numpy(PIXELS).permute(0, 3, 1, 2)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for i, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return sorted(folder.iterdir())


FORMS = {
    "paths": lambda paths: paths,
    "texts": lambda paths: [str(p) for p in paths],
    "Pillow images": lambda paths: [Image.open(p) for p in paths],
    "an array": lambda paths: PIXELS,
    "arrays": lambda paths: list(PIXELS),
    "an array of floats": lambda paths: PIXELS / 255,
    "a uint8 tensor": lambda paths: TENSOR,
    "a list of tensors": lambda paths: list(TENSOR),
    "a tensor of doubles": lambda paths: TENSOR.double() / 255,
    "a mixture": lambda paths: (paths[0], PIXELS[1], TENSOR[2].float() / 255),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_all_forms_score_alike(form, paths):
    detector = tiny_advrad()
    expected = detector.predict(TENSOR.float() / 255)
    found = detector.predict(form(paths), batch_size=2)
    torch.testing.assert_close(found.pred_score, expected.pred_score)
    torch.testing.assert_close(found.anomaly_map, expected.anomaly_map)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened(dtype):
    detector, x = tiny_advrad(), (TENSOR.float() / 255).to(dtype)
    expected = detector.predict(x.float()).pred_score
    assert torch.equal(detector.predict(x).pred_score, expected)


def test_a_single_picture_is_resized_as_its_file_is(tmp_path):
    path = tmp_path / "large.png"
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 28, 3), np.uint8))
    picture.save(path)
    detector = tiny_advrad()
    expected = detector.predict(read_image(path, 16)[None]).pred_score
    for form in (path, str(path), picture, np.asarray(picture)):
        assert torch.equal(detector.predict(form).pred_score, expected)


@pytest.mark.parametrize("mode", ["L", "I;16", "RGBA", "P"])
def test_pillow_images_of_any_mode_are_those_of_their_files(mode, tmp_path):
    picture = Image.fromarray(PIXELS[0])
    picture = picture.convert("L") if mode == "I;16" else picture.convert(mode)
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    picture.save(tmp_path / "picture.png")
    detector = tiny_advrad()
    expected = detector.predict(tmp_path / "picture.png").pred_score
    assert torch.equal(detector.predict(picture).pred_score, expected)


WRONG = {
    "nothing": ([], ValueError, "images is empty"),
    "an empty tensor": (torch.zeros(0, 3, 16, 16), ValueError, "images is empty"),
    "an empty array": (np.zeros((0, 16, 16, 3)), ValueError, "images is empty"),
    "a dictionary": ({"images": 1}, TypeError, "must not be a dict; give paths"),
    "None": (None, TypeError, "must not be a NoneType; give paths"),
    "a number in a list": ([PIXELS[0], 3], TypeError, r"images\[1\] must not be a int; give"),
    "a grey array": (PIXELS[0, ..., 0], ValueError, r"array \(H, W, 3\), or \(N, H, W, 3\)"),
    "channels first": (PIXELS.transpose(0, 3, 1, 2), ValueError, "put the channels last"),
    "0 to 255": (PIXELS.astype(np.float32), ValueError, r"images\[0\].*in \[0, 1\], got values"),
    "normalised": (TENSOR.float() / 127 - 1, ValueError, r"in \[0, 1\], got values in \[-1"),
    "integers": (PIXELS.astype(np.int64), TypeError, "float tensor in .*divide uint8 by 255"),
    "a tensor of integers": (TENSOR.long(), TypeError, "float tensor in .*divide uint8 by 255"),
    "a small tensor": ([TENSOR[0, :, :8]], ValueError, r"\[0\] must be a tensor of shape \(3"),
    "NaN": (np.full((16, 16, 3), np.nan), ValueError, "must be finite"),
    "no file": ("nowhere.png", ImageError, "no such file"),
}  # fmt: skip


@pytest.mark.parametrize(("images", "error", "message"), WRONG.values(), ids=WRONG)
def test_what_is_no_image_is_explained(images, error, message):
    with pytest.raises(error, match=message):
        tiny_advrad().predict(images)
