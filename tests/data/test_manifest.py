import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hardsight.data import AnomalyData, ImageSet, Manifest, ManifestChanged, load


def write(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8), value, np.uint8)).save(path)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    for i in range(20):
        write(tmp_path / "d" / "train" / "good" / f"{i:02}.png", i)
    for i in range(3):
        write(tmp_path / "d" / "test" / "good" / f"{i}.png", 100 + i)
        write(tmp_path / "d" / "test" / "dent" / f"{i}.png", 200 + i)
        write(tmp_path / "d" / "ground_truth" / "dent" / f"{i}_mask.png", 255)
    return tmp_path / "d"


def test_round_trip_and_stability(top: Path, tmp_path: Path) -> None:
    manifest = Manifest.of(load(top, size=8))
    assert len(manifest.entries) == 26
    assert [e.path for e in manifest.entries] == sorted(e.path for e in manifest.entries)
    assert sum(e.mask_sha256 is not None for e in manifest.entries) == 3
    manifest.write(tmp_path / "m.json")
    assert Manifest.read(tmp_path / "m.json") == manifest
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["m.json"]
    shutil.copytree(top, tmp_path / "elsewhere")
    assert Manifest.of(load(tmp_path / "elsewhere", size=16)).sha256 == manifest.sha256
    assert Manifest.of(load(top, size=8, seed=1)).sha256 != manifest.sha256


def test_every_change_is_told(top: Path, tmp_path: Path) -> None:
    data = load(top, size=8)
    old = Manifest.check(data, tmp_path / "m.json")
    assert Manifest.check(data, tmp_path / "m.json") == old
    write(top / "test" / "good" / "0.png", 1)
    write(top / "ground_truth" / "dent" / "0_mask.png", 7)
    (top / "ground_truth" / "dent" / "1_mask.png").unlink()
    (top / "test" / "dent" / "2.png").rename(top / "test" / "good" / "9.png")
    (top / "validation" / "good").mkdir(parents=True)
    name = data.train.names[0].rpartition("/")[2]
    (top / "train" / "good" / name).rename(top / "validation" / "good" / name)
    now = Manifest.of(load(top, size=8))
    held = [f"{name} moved from validation to train" for name in sorted(data.validation.names)]
    assert set(old.difference(now)) == {
        "test/dent/0.png has a mask (ground_truth/dent/0_mask.png) with another content",
        "test/dent/1.png has the mask None, not ground_truth/dent/1_mask.png",
        "test/dent/2.png was removed from test",
        "test/good/0.png has another content",
        "test/good/9.png was added to test",
        f"train/good/{name} was removed from train",
        f"validation/good/{name} was added to validation",
        *held,
    }
    assert old.difference(old) == []


def test_changed_data_are_refused_until_allowed(top: Path, tmp_path: Path) -> None:
    path = tmp_path / "runs" / "m.json"
    Manifest.check(load(top, size=8), path)
    before = path.read_bytes()
    for i in range(12):
        write(top / "train" / "good" / f"new{i}.png", i)
    changed = load(top, size=8)
    with pytest.raises(ManifestChanged, match="allow_change=True") as caught:
        Manifest.check(changed, path)
    assert len(caught.value.differences) >= 12
    assert str(caught.value).count("\n  - ") == 10
    assert f"{len(caught.value.differences) - 10} more" in str(caught.value)
    assert path.read_bytes() == before
    Manifest.check(changed, path, allow_change=True)
    assert Manifest.read(path) == Manifest.of(changed)


def test_a_label_alone_is_a_change(top: Path) -> None:
    manifest = Manifest.of(load(top, size=8))
    (top / "test" / "dent").rename(top / "test" / "other")
    other = Manifest.of(load(top, size=8))
    assert manifest.sha256 != other.sha256


def test_a_file_in_two_roles_is_a_leak(top: Path) -> None:
    data = load(top, size=8)
    leaking = ImageSet([*data.test.samples, data.train.samples[0]], 8, top)
    with pytest.raises(ValueError, match=r"train/good/.*in train and test"):
        Manifest.of(AnomalyData("d", data.train, data.validation, leaking, top))


def test_what_is_no_manifest(top: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    Manifest.of(load(top, size=8)).write(path)
    content = json.loads(path.read_text())
    content["entries"][0]["role"] = "train"
    for text in ("", "{}", "[]", '{"entries": [1], "sha256": ""}', json.dumps(content)):
        path.write_text(text)
        with pytest.raises(ValueError, match="is not a manifest, or was edited"):
            Manifest.read(path)
    with pytest.raises(FileNotFoundError):
        Manifest.read(tmp_path / "none.json")
