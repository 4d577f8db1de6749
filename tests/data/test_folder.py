from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hardsight.data import AnomalyData, folder


def write(*paths: Path) -> None:
    for value, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), value % 256, np.uint8)).save(path)


def parts(root: Path, normal: int = 10, abnormal: int = 3) -> Path:
    write(*(root / "ok" / f"{i}.png" for i in range(normal)))
    write(*(root / "nok" / f"{i}.png" for i in range(abnormal)))
    return root


def sets(data: AnomalyData) -> list[set[str]]:
    return [set(data.train.names), set(data.validation.names), set(data.test.names)]


def test_normals_are_held_out_twice(tmp_path: Path) -> None:
    data = folder("ok", "nok", root=parts(tmp_path, 20), size=8)
    train, validation, test = sets(data)
    assert (len(train), len(validation), len(test)) == (13, 3, 4 + 3)
    assert train | validation | test == {f"ok/{i}.png" for i in range(20)} | {
        f"nok/{i}.png" for i in range(3)
    }
    assert len(train & validation) + len(train & test) + len(validation & test) == 0
    assert not data.train.labels.any()
    assert not data.validation.labels.any()
    assert [s.defect for s in data.test.samples if s.anomalous] == ["nok"] * 3
    assert data.test.masks() is None
    assert (data.name, data.root) == (tmp_path.name, tmp_path)
    assert sets(folder("ok", "nok", root=tmp_path, size=8)) == sets(data)
    assert sets(folder("ok", "nok", root=tmp_path, size=8, seed=1)) != sets(data)


def test_the_split_does_not_depend_on_where_the_folder_lies(tmp_path: Path) -> None:
    first = folder("ok", "nok", root=parts(tmp_path / "a"), size=8)
    second = folder(parts(tmp_path / "b") / "ok", tmp_path / "b" / "nok", size=8)
    assert sets(first) == sets(second)
    assert second.root == tmp_path / "b"


def test_given_test_normals_and_no_test_at_all(tmp_path: Path) -> None:
    parts(tmp_path)
    write(tmp_path / "more" / "x.png", tmp_path / "more" / "y.png")
    data = folder("ok", "nok", "more", root=tmp_path, size=8, name="parts")
    assert (len(data.train), len(data.validation), len(data.test)) == (8, 2, 5)
    assert data.name == "parts"
    alone = folder("ok", root=tmp_path, size=8)
    assert (len(alone.train), len(alone.validation), len(alone.test)) == (8, 2, 0)


def test_masks_of_which_some_are_missing(tmp_path: Path) -> None:
    parts(tmp_path, abnormal=2)
    write(tmp_path / "truth" / "0_mask.png", tmp_path / "truth" / "7.png")
    data = folder("ok", "nok", mask_dir="truth", root=tmp_path, size=8)
    found = {s.path.name: s.masks for s in data.test.samples if s.anomalous}
    assert found == {"0.png": (tmp_path / "truth" / "0_mask.png",), "1.png": ()}
    assert data.test.masks() is None
    assert data.notes == ("1 mask of no image, not used: truth/7.png",)
    with pytest.raises(ValueError, match="mask_dir is given without abnormal_dir"):
        folder("ok", mask_dir="truth", root=tmp_path)


def test_several_folders_and_extensions(tmp_path: Path) -> None:
    parts(tmp_path)
    write(tmp_path / "ok2" / "n.bmp")
    data = folder(["ok", "ok2"], root=tmp_path, size=8)
    assert len(data.train) + len(data.validation) == 11
    data = folder(["ok", "ok2"], root=tmp_path, size=8, extensions=["png", ".BMP"])
    assert len(data.train) + len(data.validation) == 11
    with pytest.raises(ValueError, match=r"ok2' holds no image \(a file ending in \.png\)"):
        folder(["ok", "ok2"], root=tmp_path, extensions=[".png"])


def test_missing_empty_and_overlapping_folders(tmp_path: Path) -> None:
    parts(tmp_path)
    with pytest.raises(
        FileNotFoundError, match=r"normal_dir=.*okk' does not exist; did you mean.*ok"
    ):
        folder("okk", root=tmp_path)
    with pytest.raises(FileNotFoundError, match=r"root=.*does not exist"):
        folder("ok", root=tmp_path / "nowhere")
    (tmp_path / "void").mkdir()
    with pytest.raises(
        ValueError, match=r"abnormal_dir=.*void' is empty; put images there, or remove"
    ):
        folder("ok", "void", root=tmp_path)
    with pytest.raises(ValueError, match=r"lies in both normal_dir and abnormal_dir"):
        folder(".", "nok", root=tmp_path)
    with pytest.raises(ValueError, match=r"normal_dir names .* twice"):
        folder(["ok", "."], root=tmp_path)
    with pytest.raises(ValueError, match="extensions is empty"):
        folder("ok", root=tmp_path, extensions=[])


def test_a_link_that_leads_to_itself_is_an_image_that_cannot_be_read(tmp_path: Path) -> None:
    parts(tmp_path)
    (tmp_path / "ok" / "self.png").symlink_to("self.png")
    (error,) = folder("ok", root=tmp_path, size=8, on_error="skip").skipped
    assert (error.path.name, error.reason) == ("self.png", "no such file; it is a link to nothing")


def test_unreadable_files_do_not_move_the_split(tmp_path: Path) -> None:
    whole = sets(folder("ok", "nok", root=parts(tmp_path, 20), size=8))
    (tmp_path / "ok" / "3.png").write_bytes(b"")
    data = folder("ok", "nok", root=tmp_path, size=8, on_error="skip")
    assert [error.path.name for error in data.skipped] == ["3.png"]
    assert sets(data) == [names - {"ok/3.png"} for names in whole]


def test_unknown_options_are_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"no option sizes; choose from size, val_fraction"):
        folder("ok", root=parts(tmp_path), sizes=8)
