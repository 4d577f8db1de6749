"""GenICam against the simulated camera that comes with the binding."""

import itertools
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hardsight.data import Decoding
from hardsight.data.streams.genicam import FORMATS, decoded, genicam

SIZE = (40, 50)


@pytest.fixture(scope="module")
def producer():
    module = pytest.importorskip("genicam", reason="needs the extra genicam")
    pytest.importorskip("harvesters", reason="needs the extra genicam")
    path = Path(module.__file__).parent / "viky.cti"
    if not path.is_file():
        pytest.skip("this genicam has no simulated camera")
    return path


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_pixels_of_every_format_are_red_green_and_blue_from_0_to_1(name):
    channels, bits = {"M": 1, "R": 3, "B": 3}[name[0]] + ("a" in name), FORMATS[name][1]
    kind = np.uint8 if bits == 8 else np.uint16
    data = np.random.default_rng(0).integers(0, 2**bits, (2, 3, channels)).astype(kind)
    sent = SimpleNamespace(data_format=name, height=2, width=3, data=data.ravel())
    order = [0, 0, 0] if channels == 1 else [0, 1, 2] if name[0] == "R" else [2, 1, 0]
    expected = np.stack([data[..., c] for c in order]) / (2.0**bits - 1)
    np.testing.assert_allclose(decoded(sent).numpy(), expected, rtol=1e-6)


def test_an_unknown_format_says_which_are_known():
    with pytest.raises(ValueError, match="sends BayerRG8; set its PixelFormat to one of Mono8"):
        decoded(SimpleNamespace(data_format="BayerRG8"))


def test_frames_of_a_simulated_camera(producer):
    stop = threading.Event()
    frames = list(itertools.islice(genicam(f"genicam:{producer}#1", Decoding(SIZE), stop), 3))
    assert [f.name for f in frames] == [f"genicam-1/{i:06}" for i in range(3)]
    for frame in frames:
        assert frame.image.shape == (3, *SIZE)
        assert 0 <= frame.image.min() <= frame.image.max() <= 1
        assert frame.image.std() > 0  # a ball, and the field it bounces in


def test_a_stop_ends_the_frames(producer):
    stop = threading.Event()
    frames = genicam(f"genicam:{producer}", Decoding(SIZE), stop)
    next(frames)
    stop.set()
    assert list(frames) == []


def test_what_is_not_there_is_named(producer, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such GenTL producer"):
        genicam(f"genicam:{tmp_path}/no.cti", Decoding(SIZE))
    with pytest.raises(ValueError, match=r"knows the cameras .*, and no '99'"):
        genicam(f"genicam:{producer}#99", Decoding(SIZE))
