"""The embedded data set: three photographed surfaces with synthetic defects, nothing downloaded.

``brick``, ``grass`` and ``gravel`` are the greyscale photographs of 512 x 512 pixels that
scikit-image brings along (``skimage.data``), toned in one colour each. Each is cut into three
horizontal bands; crops of one band overlap, crops of different bands share no pixel. Crops are
enlarged three times: a surface seen from near, as a camera over a line would.
"""

import contextlib
import hashlib
import json
import re
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import skimage.data
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Generator, Tensor

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.images import read_image
from hardsight.data.layouts import load
from hardsight.synthesis.defects import DEFECTS, UnseenError, add_defect
from hardsight.synthesis.shapes import uniform

TEXTURES = ("brick", "grass", "gravel")
BANDS: dict[str, tuple[float, float]] = {
    "train": (0.0, 0.4375),
    "validation": (0.4375, 0.71875),
    "test": (0.71875, 1.0),
}
"""Role -> first and last row of its band, as fractions of the photograph's height."""

TONES = {
    "brick": ((0.20, 0.07, 0.05), (1.00, 0.80, 0.66)),
    "grass": ((0.12, 0.26, 0.08), (0.58, 0.78, 0.34)),
    "gravel": ((0.05, 0.08, 0.16), (0.78, 0.88, 1.00)),
}
"""Texture -> the colours, in [0, 1], of black and white in its photograph."""
MAGNIFICATION = 3
"""Pixels of a crop for each pixel of the photograph, along a side."""

_CROPS = 20
_MARKER = "textures.json"
_OURS = re.compile(
    rf"{re.escape(_MARKER)}|({'|'.join(TEXTURES)})/"
    r"(train|validation|test|ground_truth)/[a-z_]+/\d{3,}(_mask)?\.png"
)


@dataclass(frozen=True)
class _Settings:
    """All that decides the bytes of the data set."""

    textures: tuple[str, ...]
    size: int
    train: int
    validation: int
    test_good: int
    defects_per_kind: int
    seed: int
    photographs: tuple[str, ...]
    """The SHA-256 of each photograph's file."""
    version: int = 2
    """Number of the way the images are made."""


def write_textures(
    root: str | Path,
    textures: Sequence[str] = TEXTURES,
    size: int = 128,
    train: int = 100,
    validation: int = 30,
    test_good: int = 24,
    defects_per_kind: int = 5,
    seed: int = 0,
) -> Path:
    """Write the data set in the MVTec layout and return ``root``.

    ``<texture>/train/good/000.png``, ``validation/good``, ``test/good``, ``test/<defect>`` and
    ``ground_truth/<defect>/000_mask.png``. The same settings give the same bytes. A complete data
    set with these settings is left as it is; one with other settings, or with files missing, is
    replaced as a whole.

    Args:
        root: Folder of the data set: new, empty, or written by this function.
        textures: Of ``TEXTURES``.
        size: Side of the crops in pixels, 48 to 432.
        train: Crops of the training band, for each texture; ``validation`` and ``test_good`` of
            the other two.
        validation: See ``train``.
        test_good: See ``train``.
        defects_per_kind: Defective test crops of each of ``DEFECTS``; severity 0.6 to 1.
        seed: Of crops and defects.

    Raises:
        FileNotFoundError: scikit-image came without its photographs.
        ValueError: an unknown texture, a size or number out of range, or ``root`` holds other
            files, which are never touched.
    """
    top = Path(root)
    unknown = [name for name in textures if name not in TEXTURES]
    if unknown or not textures:
        raise ValueError(f"textures must be of {', '.join(TEXTURES)}, got {list(textures)}")
    counts = {"train": train, "validation": validation, "test_good": test_good}
    for argument, count in counts.items():
        if count < 1:
            raise ValueError(f"{argument} must be at least 1, got {count}")
    if defects_per_kind < 0:
        raise ValueError(f"defects_per_kind must not be negative, got {defects_per_kind}")
    settings = _Settings(
        textures=tuple(textures),
        size=size,
        defects_per_kind=defects_per_kind,
        seed=seed,
        photographs=tuple(
            hashlib.sha256(_photograph_file(name).read_bytes()).hexdigest() for name in textures
        ),
        **counts,
    )
    if _is_complete(top, settings):
        return top
    foreign = _foreign(top)
    if foreign is not None:
        raise ValueError(
            f"root={str(top)!r} holds other files, such as {foreign!r}; "
            "choose a new or an empty folder"
        )
    top.parent.mkdir(parents=True, exist_ok=True)
    fresh = top.with_name(f".{top.name}.{uuid.uuid4().hex}")
    try:
        for name in settings.textures:
            _write_texture(fresh / name, name, settings)
        (fresh / _MARKER).write_text(_marker(settings), encoding="utf-8")
        _replace(top, fresh)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return top


def textures(
    root: str | Path, texture: str, size: int = 128, seed: int = 0, **numbers: Any
) -> AnomalyData:
    """Read one texture, after writing all three to ``root`` if they are not there.

    Validation images are those of the validation band.

    Args:
        root: See ``write_textures``, as for ``size`` and ``seed``.
        texture: One of ``TEXTURES``.
        size: Side of the crops.
        seed: Of crops and defects.
        numbers: ``train``, ``validation``, ``test_good``, ``defects_per_kind``.

    Raises:
        ValueError: as ``write_textures``.
    """
    if texture not in TEXTURES:
        raise ValueError(f"texture must be one of {', '.join(TEXTURES)}, got {texture!r}")
    return load(write_textures(root, size=size, seed=seed, **numbers), texture, size=size)


def photograph(texture: str) -> Tensor:
    """Return the photograph (3, 512, 512) in [0, 1], toned, from its file."""
    black, white = (torch.tensor(tone)[:, None, None] for tone in TONES[texture])
    return black.lerp(white, read_image(_photograph_file(texture)))


def band(texture: Tensor, role: str) -> Tensor:
    """Return the rows of a photograph (3, H, W) that belong to a role in ``BANDS``."""
    first, last = (round(edge * texture.shape[1]) for edge in BANDS[role])
    return texture[:, first:last]


def _photograph_file(texture: str) -> Path:
    path = Path(skimage.data.__file__).parent / f"{texture}.png"
    if not path.is_file():
        raise FileNotFoundError(
            f"scikit-image came without its photograph {str(path)!r}; install it from its wheel"
        )
    return path


def _write_texture(folder: Path, name: str, settings: _Settings) -> None:
    whole = photograph(name)
    for place, role, count in _plan(settings):
        for index in range(count):
            generator = _generator(f"{settings.seed}/{name}/{place}/{index}")
            defect = place.rpartition("/")[2]
            if defect in DEFECTS:
                image, mask = _defective(band(whole, role), settings.size, defect, generator)
                _save(mask.float(), folder / "ground_truth" / defect / f"{index:03}_mask.png")
            else:
                image = _crop(band(whole, role), settings.size, generator)
            _save(image, folder / place / f"{index:03}.png")


def _defective(rows: Tensor, size: int, defect: str, generator: Generator) -> tuple[Tensor, Tensor]:
    """Return a crop with a defect and its mask; another crop is taken if the defect is unseen."""
    for _ in range(_CROPS):
        severity = uniform(generator, 0.6, 1.0)
        crop = _crop(rows, size, generator)
        with contextlib.suppress(UnseenError):
            return add_defect(crop, generator, defect, severity)[:2]
    raise UnseenError(f"{defect!r} shows on none of {_CROPS} crops of {size} pixels; raise size")


def _crop(rows: Tensor, size: int, generator: Generator) -> Tensor:
    _, height, width = rows.shape
    side = -(-size // MAGNIFICATION)
    if not 16 <= side <= height:
        raise ValueError(
            f"size must be from {16 * MAGNIFICATION} to {height * MAGNIFICATION}, got {size}: "
            f"a band of the photograph is {height} pixels high and crops are enlarged"
        )
    y = int(uniform(generator, 0, height - side + 1))
    x = int(uniform(generator, 0, width - side + 1))
    crop = rows[:, y : y + side, x : x + side]
    near = F.interpolate(crop[None], size=(size, size), mode="bicubic", align_corners=False)
    near = near[0].clamp(0, 1)
    return near.flip(2) if uniform(generator, 0, 1) < 0.5 else near


def _generator(name: str) -> Generator:
    """Return a generator of its own for every file: no count changes another file."""
    digest = hashlib.sha256(name.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def _save(image: Tensor, path: Path) -> None:
    """Write (3, H, W) or (1, H, W) in [0, 1] as an 8-bit PNG, colour or grey."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = (image * 255).round().to(torch.uint8).permute(1, 2, 0).squeeze(2).numpy()
    Image.fromarray(pixels).save(path, format="PNG", compress_level=6)


def _plan(settings: _Settings) -> list[tuple[str, str, int]]:
    """Return (folder, band, number of images) for every folder of a texture."""
    return [
        ("train/good", "train", settings.train),
        ("validation/good", "validation", settings.validation),
        ("test/good", "test", settings.test_good),
        *((f"test/{defect}", "test", settings.defects_per_kind) for defect in DEFECTS),
    ]


def _files(settings: _Settings) -> list[str]:
    plan = _plan(settings)
    files = [f"{place}/{i:03}.png" for place, _, count in plan for i in range(count)]
    for defect in DEFECTS:
        numbers = range(settings.defects_per_kind)
        files += [f"ground_truth/{defect}/{i:03}_mask.png" for i in numbers]
    return [f"{name}/{file}" for name in settings.textures for file in files]


def _marker(settings: _Settings) -> str:
    return json.dumps(asdict(settings), indent=1, sort_keys=True) + "\n"


def _is_complete(top: Path, settings: _Settings) -> bool:
    marker = top / _MARKER
    if not marker.is_file() or marker.read_text(encoding="utf-8") != _marker(settings):
        return False
    return all((top / file).is_file() for file in _files(settings))


def _foreign(top: Path) -> str | None:
    """Return a file that ``write_textures`` did not write to ``top``, None if there is none."""
    if not top.exists():
        return None
    if not top.is_dir():
        return top.name
    ours = _OURS if (top / _MARKER).is_file() else re.compile("(?!)")  # without marker: nothing
    files = (path.relative_to(top).as_posix() for path in top.rglob("*") if not path.is_dir())
    return next((name for name in files if not ours.fullmatch(name)), None)


def _replace(top: Path, fresh: Path) -> None:
    """Put ``fresh`` in the place of ``top``, which is moved away first and then removed."""
    old = fresh.with_name(f"{fresh.name}.old")
    if top.exists():
        top.rename(old)
    fresh.rename(top)
    shutil.rmtree(old, ignore_errors=True)
