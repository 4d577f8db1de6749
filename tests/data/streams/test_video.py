import sys

import numpy as np
import pytest
import torch

from hardsight.data import Decoding, is_live
from hardsight.data.streams.video import video


def written(path, count: int = 5):
    """A lossless video of ``count`` frames of one colour each, and the colours (count, 3) RGB."""
    cv2 = pytest.importorskip("cv2", reason="needs the extra video")
    colours = np.array([[200 - 30 * i, 20 + 10 * i, 5 * i] for i in range(count)], np.uint8)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"FFV1"), 10, (32, 16))
    if not writer.isOpened():
        pytest.skip("this OpenCV cannot write lossless video")
    for colour in colours:
        writer.write(np.broadcast_to(colour[::-1], (16, 32, 3)).copy())
    writer.release()
    return colours


def test_every_frame_of_a_file_in_rgb_resized(tmp_path):
    colours = written(tmp_path / "clip.avi")
    found = list(video(tmp_path / "clip.avi", Decoding((8, 12))))
    assert [f.name for f in found] == [f"{tmp_path}/clip.avi/{i:06}" for i in range(5)]
    for frame, colour in zip(found, colours, strict=True):
        assert frame.image.shape == (3, 8, 12)
        expected = torch.from_numpy(colour / 255).float().view(3, 1, 1).expand(3, 8, 12)
        torch.testing.assert_close(frame.image, expected, rtol=0, atol=3 / 255)  # YUV rounds


def test_frames_that_keep_their_aspect_say_where_they_lie(tmp_path):
    written(tmp_path / "clip.avi")
    for frame in video(tmp_path / "clip.avi", Decoding((32, 32), aspect="keep")):
        assert frame.window == (slice(8, 24), slice(0, 32))
    for frame in video(tmp_path / "clip.avi", Decoding((8, 12))):
        assert frame.window is None


def test_what_is_live():
    assert [is_live(s) for s in ("0", "rtsp://host/stream", "/dev/null")] == [True] * 3
    assert [is_live(s) for s in ("clip.mp4", ".", "no/such")] == [False] * 3


def test_what_is_no_video_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file, folder or camera"):
        video(tmp_path / "clip.mp4", Decoding((8, 8)))
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match="use hardsight score"):
        video(tmp_path / "a.png", Decoding((8, 8)))


def test_a_file_that_is_no_video_is_refused(tmp_path):
    pytest.importorskip("cv2", reason="needs the extra video")
    (tmp_path / "clip.mp4").write_bytes(b"no video")
    with pytest.raises(ValueError, match="cannot open the video"):
        video(tmp_path / "clip.mp4", Decoding((8, 8)))


def test_without_opencv_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)  # what an import finds where it is missing
    (tmp_path / "clip.mp4").write_bytes(b"")
    with pytest.raises(ImportError, match=r"pip install 'hardsight\[video\]'"):
        video(tmp_path / "clip.mp4", Decoding((8, 8)))
