import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hardsight.data import LAYOUTS, LayoutError, load, mvtec


def write(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 200, np.uint8)).save(path)


def category(top: Path) -> Path:
    write(*(top / "train" / "good" / f"{i:03}.png" for i in range(10)))
    write(*(top / "test" / "good" / f"{i:03}.png" for i in range(2)))
    for kind in ("crack", "dent"):
        write(*(top / "test" / kind / f"{i:03}.png" for i in range(3)))
        write(*(top / "ground_truth" / kind / f"{i:03}_mask.png" for i in range(3)))
    return top


def test_mvtec(tmp_path: Path) -> None:
    data = mvtec(category(tmp_path / "bottle"), size=8)
    assert (data.name, data.root) == ("bottle", tmp_path / "bottle")
    assert (len(data.train), len(data.validation), len(data.test)) == (8, 2, 8)
    assert [s.kind for s in data.test.samples] == ["crack"] * 3 + ["dent"] * 3 + ["good"] * 2
    for sample in data.test.samples:
        if sample.anomalous:
            assert sample.mask is not None
            place = f"ground_truth/{sample.kind}/{sample.path.stem}_mask.png"
            assert sample.mask.relative_to(data.root).as_posix() == place
    masks = data.test.masks()
    assert masks is not None
    assert masks.flatten(1).any(1).tolist() == data.test.labels.tolist()
    assert mvtec(tmp_path, "bottle", size=8).train.names == data.train.names


def test_mvtec_with_validation_folder_and_missing_masks(tmp_path: Path) -> None:
    top = category(tmp_path)
    write(top / "validation" / "good" / "v.png")
    (top / "ground_truth" / "dent" / "001_mask.png").unlink()
    data = mvtec(top, size=8)
    assert len(data.train) == 10
    assert data.validation.names == ("validation/good/v.png",)
    assert data.test.masks() is None


def test_mvtec_errors_say_what_is_there(tmp_path: Path) -> None:
    for name in ("bottle", "screw"):
        category(tmp_path / name)
    with pytest.raises(ValueError, match=r"2 categories; choose one with .*: bottle, screw"):
        mvtec(tmp_path)
    with pytest.raises(ValueError, match="2 categories"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"did you mean .*bottle"):
        mvtec(tmp_path, "botle")
    with pytest.raises(ValueError, match=r"is a category itself; leave category='bottle' out"):
        mvtec(tmp_path / "bottle", "bottle")
    with pytest.raises(LayoutError, match=r"no folder .*train/good"):
        mvtec(tmp_path / "bottle" / "test")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        mvtec(tmp_path / "none")
    write(tmp_path / "pill" / "test" / "x.png")
    (tmp_path / "pill" / "train" / "good").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"train/good=.* holds no image"):
        mvtec(tmp_path, "pill")


def test_load_recognises(tmp_path: Path) -> None:
    assert load(category(tmp_path / "a"), size=8).name == "a"
    assert load(tmp_path, category="a", size=8).name == "a"
    for good, bad, masks in (("normal", "abnormal", "masks"), ("Good", "defect", "mask")):
        top = tmp_path / good
        write(*(top / good / f"{i}.png" for i in range(10)))
        write(top / bad / "x.png", top / masks / "x.png")
        data = load(top, size=8)
        assert (len(data.train), len(data.validation), len(data.test)) == (6, 2, 3)
        assert data.test.masks() is not None
    only = tmp_path / "only"
    write(*(only / "good" / f"{i}.png" for i in range(10)))
    assert len(load(only, size=8).test) == 0


def test_load_explains(tmp_path: Path) -> None:
    write(tmp_path / "pictures" / "a.png")
    with pytest.raises(LayoutError) as caught:
        load(tmp_path)
    for part in ("train/good", "normal/", "pictures", *LAYOUTS):
        assert part in str(caught.value)
    with pytest.raises(LayoutError, match="has no option sizes"):
        load(tmp_path, sizes=3)
    write(tmp_path / "good" / "a.png", tmp_path / "normal" / "a.png")
    with pytest.raises(LayoutError, match="good and normal, which mean the same; keep one"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match="path="):
        load(tmp_path / "nowhere")


def test_real_bottles() -> None:
    place = os.environ.get("HARDSIGHT_DATA", Path(__file__).parents[3] / "shared" / "data")
    root = Path(place) / "mvtec256"
    if not (root / "bottle").is_dir():
        pytest.skip(f"no MVTec AD in {root}; set HARDSIGHT_DATA")
    data = mvtec(root, "bottle", size=32)
    assert len(data.train) + len(data.validation) == 209
    assert data.test.labels.tolist().count(True) == 63
    assert all(s.mask is not None for s in data.test.samples if s.anomalous)
