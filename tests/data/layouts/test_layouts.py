import os
from pathlib import Path

import pytest
from magnetic_tile import MAGNETIC_TILE

from hardsight.data import LAYOUTS, LayoutError, categories, load
from trees import magnetic_tile, masks_of, mvtec, sizes, write


def test_mvtec(tmp_path: Path) -> None:
    data = load(mvtec(tmp_path / "bottle"), size=8)
    assert (data.name, data.root, data.notes) == ("bottle", tmp_path / "bottle", ())
    assert (len(data.train), len(data.validation), len(data.test)) == (8, 2, 8)
    assert [s.defect for s in data.test.samples] == ["crack"] * 3 + ["dent"] * 3 + ["good"] * 2
    assert masks_of(data) == {
        f"test/{defect}/{i:03}.png": [f"ground_truth/{defect}/{i:03}_mask.png"]
        for defect in ("crack", "dent")
        for i in range(3)
    }
    masks = data.test.masks()
    assert masks is not None
    assert masks.flatten(1).any(1).tolist() == data.test.labels.tolist()
    assert load(tmp_path, "bottle", size=8).train.names == data.train.names


def test_mvtec_with_validation_folder_and_missing_masks(tmp_path: Path) -> None:
    top = mvtec(tmp_path)
    write(top / "validation" / "good" / "v.png")
    (top / "ground_truth" / "dent" / "001_mask.png").unlink()
    data = load(top, size=8)
    assert len(data.train) == 10
    assert data.validation.names == ("validation/good/v.png",)
    assert data.test.masks() is None


@pytest.mark.parametrize("good", ["OK", "normal", "Good", "good parts", "Nominal"])
def test_other_names_of_good_are_no_defects(tmp_path: Path, good: str) -> None:
    data = load(mvtec(tmp_path / "bottle", good), size=8)
    assert data.test.labels.sum() == 6
    assert {s.defect for s in data.test.samples} == {"crack", "dent", "good"}
    assert data.notes == tuple(f"{role}/{good} is read as good parts" for role in ("train", "test"))


def test_the_name_of_good_does_not_change_the_split(tmp_path: Path) -> None:
    held = [
        {path.rpartition("/")[2] for path in load(mvtec(tmp_path / g, g)).validation.names}
        for g in ("good", "OK")
    ]
    assert held[0] == held[1]


def test_hidden_files_and_those_of_systems_are_no_images(tmp_path: Path) -> None:
    top = mvtec(tmp_path / "bottle")
    write(top / "train" / "good" / "._000.png", top / "test" / "__MACOSX" / "good" / "000.png")
    write(top / "train" / "good" / "__MACOSX" / "a.png", top / "test" / ".cache" / "a.png")
    write(top / "test" / "crack" / "003.PNG")
    for place in ("train/good", "test/crack"):
        (top / place / "Thumbs.db").write_bytes(b"no image")
        (top / place / ".DS_Store").write_bytes(b"no image")
    data = load(top, size=8)
    assert {sample.defect for sample in data.test.samples} == {"crack", "dent", "good"}
    assert (len(data.train) + len(data.validation), len(data.test)) == (10, 9)
    assert data.notes == ()


def test_errors_say_what_is_there(tmp_path: Path) -> None:
    for name in ("bottle", "screw"):
        mvtec(tmp_path / name)
    with pytest.raises(
        ValueError, match=r"2 categories; choose one with .* by its folder: bottle, screw"
    ):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"did you mean '.*bottle'\?$"):  # and no other set
        load(tmp_path, "botle")
    (tmp_path / "README.md").touch()
    with pytest.raises(
        FileNotFoundError, match=f"is a file, not a folder; name the one it is in, '{tmp_path}'$"
    ):
        load(tmp_path / "README.md")
    with pytest.raises(ValueError, match=r"a category itself \(mvtec\); leave .*'bottle' out"):
        load(tmp_path / "bottle", "bottle")
    (tmp_path / "bare").mkdir()
    with pytest.raises(
        LayoutError, match=r"it is empty; put the good parts into good/, .* Wanted is good/"
    ) as empty:
        load(tmp_path / "bare")
    assert "mvtec_loco" not in str(empty.value)  # no list of layouts for who has nothing yet
    (tmp_path / "bare" / "other").mkdir()
    with pytest.raises(
        LayoutError, match=r"it holds other; rearrange it, .* Wanted is good/ .* \(mvtec\)"
    ):
        load(tmp_path / "bare")
    (tmp_path / "bare" / "a.png").touch()
    expected = r"an image lies directly in it, beside the folders other; move the good ones into"
    with pytest.raises(LayoutError, match=expected):
        load(tmp_path / "bare")
    (tmp_path / "bare" / "b.png").touch()
    with pytest.raises(LayoutError, match=r"2 images lie directly in it.*Wanted is good/") as flat:
        load(tmp_path / "bare")
    assert "mvtec_loco" not in str(flat.value)  # the other layouts are no help there
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load(tmp_path / "none")
    write(tmp_path / "pill" / "test" / "x.png")
    (tmp_path / "pill" / "train" / "good").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"train/good=.* is empty"):
        load(tmp_path, "pill")


def test_load_recognises(tmp_path: Path) -> None:
    assert load(mvtec(tmp_path / "a"), size=8).name == "a"
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


def test_paths_relative_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mvtec(tmp_path / "bottle")
    write(*(tmp_path / "parts" / "good" / f"{i}.png" for i in range(10)))
    write(tmp_path / "parts" / "bad" / "x.png", tmp_path / "parts" / "masks" / "x.png")
    monkeypatch.chdir(tmp_path)
    for name in ("bottle", "parts"):
        near, far = load(name, size=8), load(tmp_path / name, size=8)
        assert near.test.names == far.test.names
        assert near.test.masks() is not None


def test_folders_that_good_and_bad_do_not_know_are_named(tmp_path: Path) -> None:
    write(*(tmp_path / "OK" / f"{i}.png" for i in range(10)))
    write(tmp_path / "NG" / "x.png", tmp_path / "new" / "y.png")
    (tmp_path / "notes").mkdir()
    data = load(tmp_path, size=8)
    assert data.test.labels.sum() == 1
    assert data.notes == ("left out, for its layout does not know it: new",)


def test_load_explains(tmp_path: Path) -> None:
    write(tmp_path / "pictures" / "a.png")
    with pytest.raises(LayoutError) as caught:
        load(tmp_path)
    for part in ("train/good", "good/", "pictures", *LAYOUTS):
        assert part in str(caught.value)
    with pytest.raises(TypeError, match="no option sizes; choose from size"):
        load(tmp_path, sizes=3)
    write(tmp_path / "good" / "a.png", tmp_path / "normal" / "a.png")
    with pytest.raises(LayoutError, match="good and normal, which mean the same; keep one"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match="path="):
        load(tmp_path / "nowhere")


def test_a_layout_is_one_file_and_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    magnetic_tile(tmp_path / "tiles")
    with pytest.raises(LayoutError, match="arranged as no known layout"):
        load(tmp_path / "tiles")

    monkeypatch.setitem(LAYOUTS, MAGNETIC_TILE.name, MAGNETIC_TILE)

    assert categories(tmp_path) == ["tiles"]
    data = load(tmp_path, "tiles", size=8)
    assert sizes(data) == (6, 2, 5)
    assert masks_of(data)["MT_Crack/Imgs/exp1_0.jpg"] == ["MT_Crack/Imgs/exp1_0.png"]
    assert [s.defect for s in data.test.samples] == ["good"] * 2 + ["blowhole"] * 2 + ["crack"]
    with pytest.raises(LayoutError, match=r"MT_Free/Imgs .*\(magnetic_tile\)"):
        load(tmp_path / "tiles" / "MT_Free")


def test_only_a_layout_with_splits_takes_their_names(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"split='patchguard' is no split of the layout mvtec; "):
        load(mvtec(tmp_path), split="patchguard")


def test_real_bottles() -> None:
    place = os.environ.get("HARDSIGHT_DATA", Path(__file__).parents[4] / "shared" / "data")
    root = Path(place) / "mvtec256"
    if not (root / "bottle").is_dir():
        pytest.skip(f"no MVTec AD in {root}; set HARDSIGHT_DATA")
    data = load(root, "bottle", size=32)
    assert len(data.train) + len(data.validation) == 209
    assert data.test.labels.tolist().count(True) == 63
    assert all(s.masks for s in data.test.samples if s.anomalous)
