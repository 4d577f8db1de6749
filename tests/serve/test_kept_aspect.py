"""Images that keep their shape: pictures and heat maps of the service show them alone."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from browser import DONE, in_chromium
from pictures_sent import files, png
from PIL import Image
from served import served

from hardsight.data import Decoding
from hardsight.reports.pictures import heat_layer

WIDTH, HEIGHT = 16, 8
"""Of an image that is half as high as the detector's square: rows 4 to 11 of it."""
ROWS = slice(4, 12)


@pytest.fixture
def wide():
    """A wide image with a white spot."""
    with Image.open(io.BytesIO(png(3, spot=True))) as square:
        out = io.BytesIO()
        square.crop((0, 0, WIDTH, HEIGHT)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def keeping(service):
    """The service, whose model keeps the shape of images."""
    model = service.models.get("parts")
    calibration = replace(model.calibration, aspect="keep")
    service.models.replace(replace(model, detector=model.detector.with_calibration(calibration)))
    return service


def picture(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as found:
        return np.asarray(found)


def test_a_heat_map_is_of_the_image_alone(client, keeping, wide):
    row = client.post(
        "/v1/models/parts/score", files=files(wide), params={"heat_map": True}
    ).json()["decisions"][0]
    model = keeping.models.get("parts")
    image = Decoding((16, 16), aspect="keep").content(wide, "wide")
    maps = model.detector.decide(image[None]).anomaly_map[0, 0]
    expected = picture(heat_layer(maps[ROWS], model.calibration.map_threshold))
    heat = picture(base64.b64decode(row["heat_map"]))
    assert heat.shape == (HEIGHT, WIDTH, 4)
    np.testing.assert_allclose(heat.astype(int), expected.astype(int), atol=1)
    keeping.scorer.stop()  # pictures come after the answer
    kept = {
        name: picture(client.get(f"/v1/decisions/{row['id']}/{name}").content)
        for name in ("thumbnail.jpg", "heat.png")
    }
    assert np.array_equal(kept["heat.png"], heat)
    assert kept["thumbnail.jpg"].shape == (HEIGHT, WIDTH, 3)


def test_an_attack_shows_the_image_alone(client, keeping, wide):
    found = client.post(
        "/v1/models/parts/attack", files=files(wide), params={"eps": 8 / 255, "steps": 2}
    ).json()
    shapes = [
        picture(base64.b64decode(found[name])).shape[:2]
        for name in ("image", "heat_map", "perturbation")
    ]
    assert shapes == [(HEIGHT, WIDTH)] * 3
    assert found["l2"] > 0


def test_stretched_images_fill_the_square(client, wide):
    row = client.post(
        "/v1/models/parts/score", files=files(wide), params={"heat_map": True}
    ).json()["decisions"][0]
    assert picture(base64.b64decode(row["heat_map"])).shape == (16, 16, 4)


@in_chromium
@pytest.mark.parametrize("aspect", ["keep", "stretch"])
def test_the_page_lays_the_heat_map_over_the_image_itself(
    aspect, service, browser, wide, tmp_path, request
):
    if aspect == "keep":
        request.getfixturevalue("keeping")
    path = tmp_path / "wide.png"
    path.write_bytes(wide)
    with served(service) as url:
        browser.open(url)
        browser.wait("document.getElementById('model').value === 'parts'")
        browser.choose_files("#files", [path])
        browser.wait(f"{DONE} === 1")
        browser.wait("document.getElementById('heat').naturalWidth === 16")
        fits = "(id) => getComputedStyle(document.getElementById(id)).objectFit"
        shape = "(id) => (e => e.naturalWidth / e.naturalHeight)(document.getElementById(id))"
        if aspect == "keep":  # both have the image's shape, and neither is distorted
            assert [browser.run(f"({fits})('{name}')") for name in ("photo", "heat")] == [
                "contain",
                "contain",
            ]
            assert [browser.run(f"({shape})('{name}')") for name in ("photo", "heat")] == [2, 2]
        else:
            assert browser.run(f"({fits})('photo')") == "fill"
            assert browser.run(f"({shape})('heat')") == 1
