from pathlib import Path

import pytest

from hardsight.data import iter_images


def test_iter_images_walks_sorted_and_lazily(tmp_path: Path) -> None:
    names = ["b.PNG", "a.jpg", "c/z.tif", "c/d/y.png", "e.txt", ".hidden.png", "z.bmp"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    expected = ["a.jpg", "b.PNG", "c/d/y.png", "c/z.tif", "z.bmp"]
    assert [p.relative_to(tmp_path).as_posix() for p in iter_images(tmp_path)] == expected
    walk = iter_images(tmp_path)
    next(walk)
    (tmp_path / "c" / "d" / "late.png").touch()  # a directory is not read before it is reached
    assert tmp_path / "c" / "d" / "late.png" in list(walk)


def test_iter_images_files_globs_and_links(tmp_path: Path) -> None:
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/n.txt", "a[x].png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b" / "loop").symlink_to(tmp_path, target_is_directory=True)
    found = list(iter_images([tmp_path / "b" / "n.txt", str(tmp_path / "*" / "1.png")]))
    assert found == [tmp_path / "b" / "n.txt", tmp_path / "a" / "1.png", tmp_path / "b" / "1.png"]
    assert list(iter_images(tmp_path / "a[x].png")) == [tmp_path / "a[x].png"]
    assert len(list(iter_images(tmp_path))) == 4


def test_iter_images_that_match_nothing(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "n.txt").touch()
    with pytest.raises(FileNotFoundError, match=r"parts' holds no image"):
        iter_images(tmp_path / "parts")
    with pytest.raises(FileNotFoundError, match=r"pattern .* matches no image"):
        iter_images([str(tmp_path / "parts" / "*.png")])
    with pytest.raises(FileNotFoundError, match=r"did you mean .*parts"):
        iter_images([tmp_path / "part"])


def test_an_empty_name_is_no_name_of_the_folder_here(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "1.png").touch()
    monkeypatch.chdir(tmp_path)
    assert len(list(iter_images("."))) == 1
    with pytest.raises(FileNotFoundError, match=r"an empty name .* the folder here is '\.'"):
        iter_images(["1.png", ""])
