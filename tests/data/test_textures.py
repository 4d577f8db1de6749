import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image
from skimage.feature import match_template

from hardsight.data import DEFECTS, TEXTURES, textures, write_textures

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
        kinds = [s.kind for s in data.test.samples]
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


def place(photograph: np.ndarray, crop: np.ndarray) -> tuple[int, int]:
    """Rows [first, last) of the photograph where the crop, or its mirror image, is found."""
    for candidate in (crop, crop[:, ::-1]):
        y, x = np.unravel_index(
            np.argmax(match_template(photograph, candidate)), (512 - 47, 512 - 47)
        )
        if np.array_equal(photograph[y : y + 48, x : x + 48], candidate):
            return int(y), int(y) + 48
    raise AssertionError("the crop is not part of the photograph")


@pytest.mark.parametrize("name", TEXTURES)
def test_roles_share_no_row_of_the_photograph(root: Path, name: str) -> None:
    photograph = getattr(skimage.data, name)()
    rows: dict[str, set[int]] = {}
    for role in ("train", "validation", "test"):
        rows[role] = set()
        for path in (root / name / role / "good").iterdir():
            rows[role] |= set(range(*place(photograph, np.asarray(Image.open(path)))))
    assert not rows["train"] & rows["validation"]
    assert not rows["train"] & rows["test"]
    assert not rows["validation"] & rows["test"]


@pytest.mark.parametrize("name", TEXTURES)
def test_defects_lie_on_crops_of_the_test_band(root: Path, name: str) -> None:
    photograph = getattr(skimage.data, name)().astype(int)
    windows = np.lib.stride_tricks.sliding_window_view(photograph, (48, 48))
    for kind in DEFECTS:
        image = np.asarray(Image.open(root / name / "test" / kind / "000.png")).astype(int)
        mask = np.asarray(Image.open(root / name / "ground_truth" / kind / "000_mask.png")) > 0
        corner = np.argwhere(~mask)[:: max((~mask).sum() // 40, 1)]
        found = []
        for flipped in (False, True):
            seen, hidden = (image[:, ::-1], mask[:, ::-1]) if flipped else (image, mask)
            at = corner if not flipped else np.stack([corner[:, 0], 47 - corner[:, 1]], 1)
            same = np.ones(windows.shape[:2], bool)
            for r, c in at:
                same &= windows[:, :, r, c] == seen[r, c]
            found += [
                y for y, x in np.argwhere(same) if np.array_equal(windows[y, x] != seen, hidden)
            ]
        assert found  # everywhere outside the mask the photograph, nowhere inside it
        assert min(found) >= 368


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
    for size in (8, 145):
        with pytest.raises(ValueError, match=rf"size must be from 16 to .*, got {size}"):
            write_textures(top, ["brick"], size=size, train=1, validation=1, test_good=1)
    with pytest.raises(ValueError, match="train must be at least 1, got 0"):
        write_textures(top, train=0)
    with pytest.raises(ValueError, match="defects_per_kind must not be negative"):
        write_textures(top, defects_per_kind=-1)
    assert list(tmp_path.iterdir()) == []
