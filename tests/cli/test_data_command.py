"""``hardsight data``: what it counts, says and refuses."""

import numpy as np
from PIL import Image
from typed import call, words

import trees
from hardsight.cli import pace
from hardsight.cli.console import console
from hardsight.data import load
from tiny_parts import write_parts


def test_what_is_odd_is_named(tmp_path):
    top = write_parts(tmp_path / "parts")
    (top / "test" / "good").rename(top / "test" / "OK")
    (top / "test" / "OK" / "copy.png").write_bytes(min((top / "train").rglob("*.png")).read_bytes())
    mask = min((top / "ground_truth").rglob("*.png"))
    mask.rename(mask.with_name("none_mask.png"))
    done = call("data", top, "--size", 16)
    said = words(done)
    assert done.exit_code == 0, said
    for part in (
        "test/OK is read as good parts",
        "1 mask of no image, not used: ground_truth/spot/none_mask.png",
        "1 held-out image copied from or linked to training: test/OK/copy.png",
        "1 anomalous image without a mask, so that localisation is not measured: test/spot/",
    ):
        assert f"Beware: {part}" in said


def test_it_tells_how_far_it_is_beside_what_it_prints(tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "TIMED", 0.0)
    monkeypatch.setattr(pace, "AT_MOST", 0.0)
    done = call("data", write_parts(tmp_path / "parts"), "--size", 16)
    data = load(tmp_path / "parts", size=16)
    files = len(data.train) + len(data.validation) + len(data.test)
    masks = sum(bool(sample.masks) for sample in data.test.samples)
    for stage, total in (
        ("decode", files), ("check images", files), ("check masks", masks), ("statistics", files)
    ):  # fmt: skip
        assert f"{stage}: {total} of {total} (100%), done" in done.stderr
        assert f"{stage}:" not in done.stdout


def test_a_mask_of_another_shape_cannot_be_used(tmp_path):
    top = write_parts(tmp_path / "parts")
    mask = min((top / "ground_truth").rglob("*.png"))
    Image.fromarray(np.zeros((16, 24), np.uint8)).save(mask)
    done = call("data", top, "--size", 16)
    assert done.exit_code == 1
    assert f"unusable: cannot use image {mask}: it has 24 x 16 pixels and its image" in words(done)


def test_bits_stretch_grey(tmp_path):
    for i in range(4):
        path = tmp_path / "good" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((16, 16), 4095 - i, np.uint16)).save(path)
    assert "--set data.bits=12" in words(call("data", tmp_path, "--size", 16))
    assert "Beware" not in words(call("data", tmp_path, "--size", 16, "--bits", 12))


def test_what_is_written_is_named_with_what_to_do_next(tmp_path):
    done = call("data", tmp_path / "textures", "--write", "--size", 48)
    assert f"Wrote brick, grass, gravel into {tmp_path / 'textures'}." in words(done)
    assert f"Next: hardsight fit patchcore --data {tmp_path / 'textures' / 'brick'}" in words(done)
    assert len(load(tmp_path / "textures" / "brick", size=48).train)


def test_verify_tells_what_is_missing_and_corrupt(tmp_path):
    for name in ("bottle", "mine"):
        trees.mvtec(tmp_path / name)
    (tmp_path / "mine" / "test" / "dent" / "001.png").write_bytes(b"")
    done = call("data", tmp_path, "--verify")
    said = words(done)
    assert done.exit_code == 1
    for part in (
        "MVTec AD",
        "wrong: bottle: 10 train instead of 209",
        "wrong: mine: cannot use image",
        "missing: cable, capsule",
        "MVTec AD is to be had from mvtec.com/company/research/datasets/mvtec-ad (licence: CC BY",
    ):
        assert part in said


def test_the_table_of_verify_is_whole_in_a_narrow_terminal(tmp_path, monkeypatch):
    monkeypatch.setattr(console, "_width", 80)
    for name in ("toothbrush", "transistor"):
        trees.mvtec(tmp_path / name)
    done = call("data", tmp_path, "--verify")
    assert "…" not in done.stdout
    for name in ("toothbrush", "transistor"):
        (line,) = (one for one in done.stdout.splitlines() if name in one)
        assert "│ MVTec AD " in line
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_verify_of_what_is_as_it_should_be(tmp_path):
    trees.mvtec(tmp_path / "mine")
    done = call("data", tmp_path, "--category", "mine", "--verify")
    assert done.exit_code == 0
    assert "Every file can be read; no published counts are known for it." in words(done)


def test_verify_of_what_is_not_there_says_where_it_is_to_be_had(tmp_path):
    done = call("data", tmp_path / "MVTec_LOCO", "--verify")
    assert done.exit_code == 1
    assert "did you mean MVTec LOCO AD? It is to be had from mvtec.com" in words(done)
