"""The pictures of images that keep their aspect."""

from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from hardsight.attacks import build_suite
from hardsight.data import folder, read_image
from hardsight.evaluation import Protocol, evaluate
from hardsight.evaluation.gallery import attack_of


def test_pictures_leave_out_what_is_repeated_beside_an_image(bright, tmp_path):
    random = np.random.default_rng(0)
    for name in ("good", "bad", "masks"):
        (tmp_path / name).mkdir()
        for i in range(4):
            pixels = random.integers(0, 256, (8, 16, 3), dtype=np.uint8)
            pixels = pixels if name != "masks" else 255 * (pixels[..., 0] > 128).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    kept = {"root": tmp_path, "size": 16, "aspect": "keep"}
    data = folder("good", abnormal_dir="bad", mask_dir="masks", **kept)
    suite = build_suite("pgd", eps=2 / 255, steps=1)
    found = evaluate(bright(), data, [suite], protocol=Protocol(1, gallery=2))
    for item in found.gallery:
        assert item.image.shape == item.attacked.shape == (3, 8, 16)
        assert item.map_clean.shape == item.map_attacked.shape == (8, 16)
        assert item.mask is None or item.mask.shape == (8, 16)
    anomalous = found.gallery[0]
    path = tmp_path / anomalous.name
    torch.testing.assert_close(anomalous.image, read_image(path), atol=1 / 500, rtol=0)


def test_pictures_are_of_the_attack_that_leaves_least(bright, make_set):
    data = make_set([100, 104], [108, 112])
    weak, strong = build_suite("fgsm", eps="1/255"), build_suite("pgd", eps="20/255")
    found = evaluate(bright(), data, [weak, strong], protocol=Protocol(1, gallery=2))
    assert found.gallery_attack == "pgd, L-inf 20/255"
    row = replace(found.rows[-1], attack="pgd L-inf 20/255")  # a second one of that name
    assert attack_of(row) == "pgd, L-inf 20/255"
    assert evaluate(bright(), data, [], protocol=Protocol(1, gallery=2)).gallery_attack == ""
