"""A file name is bytes: one that is no UTF-8 is read, recorded, split and streamed like any."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hardsight.data import Decoding, Manifest, folder, load
from hardsight.data.streams.arrivals import arrivals


@pytest.fixture
def top(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    names = [b"train/good/gr\xfcn_%d.png" % i for i in range(10)]
    names += [b"test/good/\xe4.png", b"test/ri\xdf [1]/\xff.png"]
    names += [b"ground_truth/ri\xdf [1]/\xff_mask.png"]
    for name in names:
        packed = io.BytesIO()
        Image.fromarray(generator.integers(0, 2, (8, 8), dtype=np.uint8)).save(packed, "PNG")
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/k\xf6rper/" + name))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(packed.getvalue())
        except (OSError, UnicodeError):
            pytest.skip("this file system has no such names")
    return tmp_path / os.fsdecode(b"k\xf6rper")


def test_layouts_and_folders_read_them(top: Path) -> None:
    data = load(top, size=8)
    assert (len(data.train), len(data.validation), len(data.test)) == (8, 2, 2)
    assert data.test.masks() is not None
    assert data.test.samples[1].defect == os.fsdecode(b"ri\xdf [1]")
    given = folder("train/good", "test", mask_dir="ground_truth", root=top, size=8)
    assert sum(len(s.masks) for s in given.test.samples) == 1


def test_a_manifest_holds_them(top: Path, tmp_path: Path) -> None:
    written = Manifest.check(load(top, size=8), tmp_path / "m.json")
    assert Manifest.read(tmp_path / "m.json") == written
    assert os.fsdecode(b"test/good/\xe4.png") in {entry.path for entry in written.entries}
    (tmp_path / "m.json").read_bytes().decode("ascii")
    assert Manifest.check(load(top, size=8), tmp_path / "m.json") == written


def test_streams_name_them(top: Path) -> None:
    found = [frame.name for frame in arrivals(top / "test", Decoding((8, 8)), idle=0)]
    assert sorted(map(os.fsencode, found)) == sorted(
        os.fsencode(path) for path in (top / "test").rglob("*.png")
    )
