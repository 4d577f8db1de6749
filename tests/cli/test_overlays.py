"""Heat maps of frames, looked at as pictures."""

import re

import numpy as np
import pytest
import torch
from PIL import Image

from hardsight.cli.overlays import Overlays, overlay_name
from hardsight.data import Decoding, Frame
from hardsight.data.image_check import ImageCheck
from hardsight.reports.pictures import heat, threshold_scale


def test_a_heat_map_shows_the_image_and_not_what_is_repeated_beside_it(tmp_path):
    path = tmp_path / "wide.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 16, 3), np.uint8)).save(path)
    decoding = Decoding((16, 16), aspect="keep")
    frame = Frame.read(path, decoding, ImageCheck(decoding))
    anomaly_map = torch.rand(16, 16, generator=torch.Generator().manual_seed(0))
    Overlays(tmp_path / "heat", 0.5).draw(frame, anomaly_map)
    (drawn,) = (tmp_path / "heat").iterdir()
    assert Image.open(drawn).size == (16, 8)
    scale = threshold_scale(anomaly_map, 0.5)
    expected = heat(frame.image[:, 4:12], anomaly_map[4:12], None, scale, side=512)
    assert drawn.read_bytes() == expected


@pytest.mark.parametrize("name", ["rtsp://cam:554/live/000001", "a/b?c*d.png", 'x"<y>|.png'])
def test_a_heat_maps_name_is_one_that_every_system_takes(name):
    assert re.fullmatch(r"[\w.-]+-[0-9a-f]{8}\.jpg", overlay_name(name))
