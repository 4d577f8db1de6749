import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardsight.data import ImageError, read_mask
from hardsight.data.containers.instances import _lengths, _unrolled
from trees import coco


def packed(lengths: list[int]) -> str:
    """Compress run lengths as COCO does, the other way round."""
    text = ""
    for i, length in enumerate(lengths):
        value = length - lengths[i - 2] if i > 2 else length
        more = True
        while more:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            text += chr(48 + bits + 32 * more)
    return text


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=12))
def test_compressed_run_lengths_are_those_that_were_packed(lengths: list[int]) -> None:
    assert _lengths(packed(lengths)) == lengths


@given(st.lists(st.booleans(), min_size=12, max_size=12))
def test_run_lengths_go_down_the_columns(bits: list[bool]) -> None:
    mask = np.array(bits).reshape(3, 4)
    lengths, on = [0], False
    for value in mask.T.ravel():
        if value != on:
            lengths.append(0)
            on = not on
        lengths[-1] += 1
    for counts in (lengths, packed(lengths)):
        assert (_unrolled({"size": [3, 4], "counts": counts}) == mask).all()


def test_polygons_run_lengths_and_boxes_are_joined(tmp_path: Path) -> None:
    square = [0, 0, 2, 0, 2, 2, 0, 2]
    column = {"size": [8, 8], "counts": [40, 8, 16]}
    file = coco(
        tmp_path / "a.json",
        ["1.png"],
        [
            {"image_id": 1, "category_id": 1, "segmentation": [square]},
            {"image_id": 1, "category_id": 1, "segmentation": column},
            {"image_id": 1, "category_id": 1, "segmentation": [], "bbox": [6, 7, 2, 1]},
            {"image_id": 1, "category_id": 2, "bbox": [0, 0, 8, 8]},  # named as a good part
        ],
    )
    expected = np.zeros((8, 8), bool)
    expected[:3, :3] = expected[:, 5] = expected[7, 6:] = True
    assert (read_mask(file / "1")[0].numpy() == expected).all()


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ({"image_id": 1}, "annotation id=0: neither its segmentation nor its bbox can be drawn"),
        (
            {"image_id": 1, "segmentation": {"size": [8, 8], "counts": [3]}},
            "annotation id=0: neither",
        ),
        ({"image_id": 7, "bbox": [0, 0, 1, 1]}, "annotation id=0: there is no image 7"),
        ({"bbox": [0, 0, 1, 1]}, "not in COCO's format: KeyError.'image_id'. is missing"),
    ],
)
def test_errors_name_the_annotation(tmp_path: Path, mark: dict[str, object], message: str) -> None:
    file = coco(tmp_path / "a.json", ["1.png"], [mark])
    with pytest.raises(ImageError, match=message):
        read_mask(file / "1")


def test_what_is_no_annotation_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1")
    with pytest.raises(ImageError, match=r"a\.json is not in COCO's format"):
        read_mask(tmp_path / "a.json" / "1")
    with pytest.raises(ImageError, match="describes no image '2'"):
        read_mask(coco(tmp_path / "b.json", ["1.png"], []) / "2")


@pytest.mark.parametrize(
    ("side", "drawn", "message"),
    [
        (15_000, {"bbox": [0, 0, 1, 1]}, "15000 x 15000 pixels are more than"),
        (8, {"segmentation": {"size": [8, 8], "counts": [10**8]}}, "runs of 100000000 pixels"),
    ],
)
def test_a_file_cannot_ask_for_more_memory_than_an_image_takes(
    tmp_path: Path, side: int, drawn: dict[str, object], message: str
) -> None:
    file = tmp_path / "a.json"
    image = {"id": 1, "file_name": "1.png", "width": side, "height": side}
    mark = {"id": 0, "image_id": 1} | drawn
    file.write_text(json.dumps({"images": [image], "annotations": [mark]}))
    with pytest.raises(ImageError, match=message):
        read_mask(file / "1")
