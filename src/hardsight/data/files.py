"""Finding image files: folders walked, patterns matched."""

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path, PurePath

from hardsight.core.near import hidden, near_names

IMAGE_EXTENSIONS = frozenset(
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".tif",
        ".tiff",
        ".bmp",
        ".dib",
        ".gif",
        ".webp",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".jp2",
        ".j2k",
    }
)
"""Lower-case suffixes by which a file in a folder is taken for an image."""
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "DIB", "GIF", "WEBP", "PPM", "JPEG2000")
"""Formats that are decoded, told by content."""
GOOD = frozenset({"good", "good_parts", "ok", "okay", "normal", "normals", "nominal"})
"""Names of a folder of good parts, in lower case with underscores."""


def iter_images(patterns: str | Path | Iterable[str | Path]) -> Iterator[Path]:
    """Yield the image files that ``patterns`` name, in order: files, folders and globs.

    A file is yielded whatever its suffix. A folder is walked with its subfolders, one directory in
    memory at a time, names sorted, hidden ones left out (see ``hidden``), files told by
    ``IMAGE_EXTENSIONS``. A glob (``**`` included) yields the files with such a suffix, sorted.

    Raises:
        FileNotFoundError: at the call, if a pattern matches no image.
    """
    listed = [patterns] if isinstance(patterns, str | Path) else list(patterns)
    for pattern in listed:
        if not str(pattern):
            raise FileNotFoundError("an empty name stands for no image; the folder here is '.'")
        if next(_match(pattern), None) is None:
            raise FileNotFoundError(_no_match(pattern))
    return chain.from_iterable(_match(pattern) for pattern in listed)


def walk(folder: Path, extensions: Iterable[str] = IMAGE_EXTENSIONS) -> Iterator[Path]:
    """Yield the files below ``folder`` that have one of the lower-case ``extensions``, sorted."""
    return _walk(folder, frozenset(extensions), ())


def is_image_name(name: str) -> bool:
    """Return whether a file of this name, in a folder, is taken for an image."""
    return PurePath(name).suffix.lower() in IMAGE_EXTENSIONS


def means_good(name: str) -> bool:
    """Return whether a name is one of good parts, see ``GOOD``."""
    return name.lower().replace(" ", "_").replace("-", "_") in GOOD


def images_below(path: Path, argument: str, extensions: Iterable[str]) -> list[Path]:
    """Return the images below an existing folder, sorted.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no image in it.
    """
    found = list(walk(existing_folder(path, argument), extensions))
    if not found:
        endings = " ".join(sorted(extensions))
        held = sorted(p.name for p in path.iterdir())[:5]
        if not held:
            raise ValueError(f"{argument}={str(path)!r} is empty; put images there, or remove it")
        raise ValueError(
            f"{argument}={str(path)!r} holds no image (a file ending in {endings}); "
            f"it holds: {', '.join(held)}"
        )
    return found


def existing_folder(path: str | Path, argument: str) -> Path:
    """Return ``path`` if it is a folder.

    Raises:
        FileNotFoundError: it is not; the message suggests the near names beside it.
    """
    path = Path(path)
    if path.is_dir():
        return path
    if path.exists():
        what = f"is a file, not a folder; name the one it is in, {str(path.parent)!r}"
    else:
        what = f"does not exist{near_names(path)}"
    raise FileNotFoundError(f"{argument}={str(path)!r} {what}")


def common_folder(paths: Sequence[Path]) -> Path:
    """Return the deepest folder that holds every file; the working directory if there are none."""
    return Path(os.path.commonpath([p.parent.absolute() for p in paths] or [Path.cwd()]))


def relative_name(path: Path, root: Path) -> str:
    """Return ``path`` relative to ``root`` with forward slashes (``../`` where it lies outside)."""
    return Path(os.path.relpath(path, root)).as_posix()


def worker_threads() -> ThreadPoolExecutor:
    """Return a pool for reading files: decoding and hashing run beside each other in threads."""
    return ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1))


def _match(pattern: str | Path) -> Iterator[Path]:
    path = Path(pattern)
    if path.is_dir():
        yield from walk(path)
    elif path.exists():
        yield path
    else:
        for name in sorted(glob.glob(str(pattern), recursive=True)):  # noqa: PTH207 (absolute too)
            found = Path(name)
            if is_image_name(name) and found.is_file():
                yield found


def _no_match(pattern: str | Path) -> str:
    path = Path(pattern)
    suffixes = " ".join(sorted(IMAGE_EXTENSIONS))
    if path.is_dir():
        return f"the folder {str(path)!r} holds no image (a file ending in {suffixes})"
    if glob.has_magic(str(pattern)):
        return f"the pattern {str(pattern)!r} matches no image (a file ending in {suffixes})"
    return f"no such file or folder: {str(path)!r}{near_names(path)}"


def _walk(folder: Path, extensions: frozenset[str], above: tuple[str, ...]) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in above:  # a link that leads back up
        return
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if not hidden(entry.name))
    for name in names:
        path = folder / name
        if path.is_dir():
            yield from _walk(path, extensions, (*above, real))
        elif path.suffix.lower() in extensions:
            yield path
