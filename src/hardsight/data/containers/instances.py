"""Masks drawn from COCO annotations, the number of an image for a name."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from hardsight.data.containers.container import MAX_PIXELS, Container, remembered
from hardsight.data.files import means_good


@dataclass(frozen=True)
class Mark:
    """One annotation of an image."""

    label: str
    """The name of its category."""
    content: dict[str, Any]
    """What the file says of it."""


@dataclass(frozen=True)
class Annotated:
    """One image of an annotation file."""

    file_name: str
    size: tuple[int, int]
    """(width, height) in pixels."""
    marks: tuple[Mark, ...]
    """Its annotations, without those of categories named as good parts."""


@remembered(8)
def read_instances(file: Path) -> dict[str, Annotated]:
    """Read an annotation file in COCO's format: number of an image -> what it says of it.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON, or lacks a field; the message names it.
    """
    try:
        held = json.loads(file.read_text(encoding="utf-8-sig"))
        names = {one["id"]: str(one["name"]) for one in held.get("categories", ())}
        of: dict[Any, list[Mark]] = {one["id"]: [] for one in held["images"]}
        for content in held["annotations"]:
            if content["image_id"] not in of:
                where = f"annotation id={content.get('id')}"
                raise ValueError(f"{where}: there is no image {content['image_id']}")
            label = names.get(content.get("category_id"), "defect")
            if not means_good(label):
                of[content["image_id"]].append(Mark(label, content))
        return {
            str(one["id"]): Annotated(
                str(one["file_name"]), (int(one["width"]), int(one["height"])), tuple(of[one["id"]])
            )
            for one in held["images"]
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} is not in COCO's format: {error!r} is missing or none") from error
    except ValueError as error:
        raise ValueError(f"{file} is not in COCO's format: {error}") from error


def _image(file: Path, name: str) -> Image.Image:
    found = read_instances(file).get(name)
    if found is None:
        raise ValueError(f"{file} describes no image {name!r}")
    width, height = found.size
    if width * height > MAX_PIXELS:  # nobody has seen how large the image is
        raise ValueError(f"{file}: {width} x {height} pixels are more than {MAX_PIXELS:,}")
    mask = Image.new("L", found.size)
    for mark in found.marks:
        try:
            mask.paste(255, mask=_drawn(mark.content, found.size))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{file}, annotation id={mark.content.get('id')}: neither its segmentation nor its "
                f"bbox can be drawn ({error})"
            ) from error
    return mask


def _drawn(mark: dict[str, Any], size: tuple[int, int]) -> Image.Image:
    """Draw one annotation: run lengths, polygons, or the box if it has neither."""
    shape = mark.get("segmentation")
    if isinstance(shape, dict):
        return Image.fromarray(_unrolled(shape))
    drawn = Image.new("1", size)
    brush = ImageDraw.Draw(drawn)
    for polygon in shape or ():
        brush.polygon([float(v) for v in polygon], fill=1)
    if not shape:
        x, y, width, height = mark["bbox"]
        brush.rectangle((x, y, x + width - 1, y + height - 1), fill=1)
    return drawn


def _unrolled(runs: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return the (H, W) bool of run lengths: down the columns, off and on in turn, off first."""
    height, width = runs["size"]
    counts = runs["counts"]
    lengths = _lengths(counts) if isinstance(counts, str) else counts
    if sum(lengths) != width * height:
        raise ValueError(f"runs of {sum(lengths)} pixels for {width} x {height}")
    on = np.arange(len(lengths)) % 2 == 1
    return np.repeat(on, lengths).reshape(width, height).T.copy()


def _lengths(text: str) -> list[int]:
    """Decode COCO's compressed run lengths.

    Characters from '0' on hold five bits of a number, the lowest first; bit 5 says that more
    follow, and bit 4 of the last one is its sign. From the fourth on, each number is the difference
    from the last but one before it.
    """
    lengths: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    return lengths


INSTANCES = Container("instances", lambda file: file.suffix.lower() == ".json", _image)
