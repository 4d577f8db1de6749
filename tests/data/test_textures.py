import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
import torch.nn.functional as F
from PIL import Image
from skimage.measure import block_reduce

from hardsight.data import TEXTURES, textures, write_textures
from hardsight.data.textures import TONES
from hardsight.synthesis import DEFECTS

SMALL = {"size": 48, "train": 6, "validation": 3, "test_good": 3, "defects_per_kind": 2}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_textures(tmp_path_factory.mktemp("textures") / "set", **SMALL)  # type: ignore[arg-type]


def digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_the_layout_is_complete(root: Path) -> None:
    for name in TEXTURES:
        data = textures(root, name, **SMALL)  # type: ignore[arg-type]
        assert (len(data.train), len(data.validation)) == (6, 3)
        assert data.name == name
        assert {n.rpartition("/")[0] for n in data.validation.names} == {"validation/good"}
        kinds = [s.defect for s in data.test.samples]
        assert {k: kinds.count(k) for k in set(kinds)} == {"good": 3} | dict.fromkeys(DEFECTS, 2)
        masks = data.test.masks()
        assert masks is not None
        assert masks.flatten(1).any(1).tolist() == data.test.labels.tolist()
        assert data.test.images().shape == (15, 3, 48, 48)


def test_the_same_seed_gives_the_same_bytes(root: Path, tmp_path: Path) -> None:
    again = write_textures(tmp_path / "a", **SMALL)  # type: ignore[arg-type]
    assert digests(again) == digests(root)
    other = write_textures(tmp_path / "b", ["gravel"], **SMALL, seed=1)  # type: ignore[arg-type]
    assert digests(other)["gravel/train/good/000.png"] != digests(root)["gravel/train/good/000.png"]
    one = write_textures(tmp_path / "c", ["gravel"], **SMALL | {"train": 2})  # type: ignore[arg-type]
    mine = {name: value for name, value in digests(one).items() if name.startswith("gravel")}
    assert mine.items() <= digests(root).items()  # a file depends on no other's number


def place(name: str, image: np.ndarray, mask: np.ndarray | None = None) -> tuple[int, int]:
    """Rows [first, last) of the photograph that a crop shows.

    The crop is shrunk and found by least squares outside the mask; what was found is toned and
    enlarged again: outside the mask it must be the crop to a grey level, inside it must not be.
    """
    grey = getattr(skimage.data, name)() / 255
    black, white = (np.array(tone) for tone in TONES[name])
    hidden = np.zeros((48, 48), bool) if mask is None else mask
    for seen, inside in ((image, hidden), (image[:, ::-1], hidden[:, ::-1])):
        level = (seen[:, :, 0] / 255 - black[0]) / (white[0] - black[0])
        small = block_reduce(level, (3, 3), np.mean)
        usable = ~block_reduce(inside, (3, 3), np.any)
        misfit = np.zeros((512 - 15, 512 - 15))
        for r, c in np.argwhere(usable):
            misfit += (grey[r : r + 497, c : c + 497] - small[r, c]) ** 2
        for best in np.argsort(misfit, axis=None)[:5]:
            y, x = (int(i) for i in np.unravel_index(best, misfit.shape))
            window = black + (white - black) * grey[y : y + 16, x : x + 16, None]
            near = F.interpolate(
                torch.from_numpy(window).permute(2, 0, 1)[None], size=(48, 48), mode="bicubic"
            )[0].permute(1, 2, 0)
            difference = np.abs(near.numpy().clip(0, 1) * 255 - seen).max(2)
            if (difference[~inside] <= 0.6).all():
                assert (difference[inside] > 0.6).all()
                return y, y + 16
    raise AssertionError("the crop is not part of the photograph")


@pytest.mark.parametrize("name", TEXTURES)
def test_roles_share_no_row_of_the_photograph(root: Path, name: str) -> None:
    rows: dict[str, set[int]] = {}
    for role in ("train", "validation", "test"):
        rows[role] = set()
        for path in (root / name / role / "good").iterdir():
            rows[role] |= set(range(*place(name, np.asarray(Image.open(path)))))
    assert not rows["train"] & rows["validation"]
    assert not rows["train"] & rows["test"]
    assert not rows["validation"] & rows["test"]


@pytest.mark.parametrize("name", TEXTURES)
def test_defects_lie_on_crops_of_the_test_band(root: Path, name: str) -> None:
    """Outside its mask a defective image is the photograph, inside it is not."""
    for kind in DEFECTS:
        image = np.asarray(Image.open(root / name / "test" / kind / "000.png"))
        mask = np.asarray(Image.open(root / name / "ground_truth" / kind / "000_mask.png")) > 0
        assert mask.any()
        assert place(name, image, mask)[0] >= 368


def test_an_existing_set_is_left_and_a_damaged_one_rebuilt(tmp_path: Path) -> None:
    settings = SMALL | {"textures": ("brick",), "defects_per_kind": 1}
    top = write_textures(tmp_path / "set", **settings)  # type: ignore[arg-type]
    before = digests(top)
    times = {path: path.stat().st_mtime_ns for path in top.rglob("*")}
    write_textures(top, **settings)  # type: ignore[arg-type]
    assert {path: path.stat().st_mtime_ns for path in top.rglob("*")} == times
    (top / "brick" / "train" / "good" / "000.png").unlink()
    write_textures(top, **settings)  # type: ignore[arg-type]
    assert digests(top) == before
    write_textures(top, **settings | {"train": 2})  # type: ignore[arg-type]
    assert len(list((top / "brick" / "train" / "good").iterdir())) == 2
    assert json.loads((top / "textures.json").read_text())["train"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_foreign_files_are_never_touched(tmp_path: Path) -> None:
    settings = SMALL | {"textures": ("brick",), "defects_per_kind": 1}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("precious")
    with pytest.raises(ValueError, match=r"holds other files, such as 'thesis\.tex'"):
        write_textures(tmp_path / "mine", **settings)  # type: ignore[arg-type]
    top = write_textures(tmp_path / "set", **settings)  # type: ignore[arg-type]
    (top / "brick" / "notes.txt").write_text("precious")
    with pytest.raises(ValueError, match=r"such as 'brick/notes\.txt'"):
        write_textures(top, **settings | {"train": 2})  # type: ignore[arg-type]
    assert (top / "brick" / "notes.txt").read_text() == "precious"
    (tmp_path / "empty").mkdir()
    assert write_textures(tmp_path / "empty", **settings).is_dir()  # type: ignore[arg-type]


def test_bad_arguments(tmp_path: Path) -> None:
    top = tmp_path / "set"
    with pytest.raises(ValueError, match=r"textures must be of brick, .* got \['wood'\]"):
        write_textures(top, ["wood"])
    with pytest.raises(ValueError, match="texture must be one of brick"):
        textures(top, "wood")
    for size in (8, 433):
        with pytest.raises(ValueError, match=rf"size must be from 48 to .*, got {size}"):
            write_textures(top, ["brick"], size=size, train=1, validation=1, test_good=1)
    with pytest.raises(ValueError, match="train must be at least 1, got 0"):
        write_textures(top, train=0)
    with pytest.raises(ValueError, match="defects_per_kind must not be negative"):
        write_textures(top, defects_per_kind=-1)
    assert list(tmp_path.iterdir()) == []
