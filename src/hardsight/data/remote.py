"""Objects in stores, named by URLs such as ``s3://bucket/folder`` (fsspec)."""

import errno
import logging
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import has_magic
from multiprocessing import TimeoutError as PoolTimeout
from multiprocessing.pool import ThreadPool
from pathlib import Path, PurePosixPath
from typing import Any

from hardsight.core.near import hidden
from hardsight.data.files import IMAGE_EXTENSIONS, is_image_name
from hardsight.data.opening import ImageError

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Error numbers that are those of where an object is written to, never of a store."""
_PATIENCE = 20.0
"""Seconds in which a store is to be opened and to answer first: without a network, gcsfs would look
for credentials and try again for more than a minute."""
_LIBRARIES = ("gcsfs", "google", "azure")
"""Loggers of stores' libraries that print what they also raise, and what is told here."""
for _name in _LIBRARIES:
    logging.getLogger(_name).addHandler(logging.NullHandler())  # whoever set up logging hears them
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class RemoteError(OSError):
    """Object storage that cannot be read; the message names the URL and the way out."""


@dataclass(frozen=True)
class RemoteFile:
    """An object of a store, which is fetched when it is read."""

    url: str

    def __str__(self) -> str:
        return self.url


Source = Path | RemoteFile
"""Where one image is."""


def is_url(name: str) -> bool:
    """Tell whether a name is a URL, and no path."""
    return _URL.match(name) is not None


def remote_images(url: str) -> Iterator[RemoteFile]:
    """Yield the images that a URL names: an object, a folder with its subfolders, or a glob.

    In the order of ``iter_images``, with the names of one folder in memory at a time; those of a
    glob all at once.

    Raises:
        FileNotFoundError: there is no such object or folder, or no image in it.
        RemoteError: the store refuses, or does not answer.
        ImportError: what the store needs is not installed.
        ValueError: there is no such kind of store.
    """
    try:
        system, path, found = look(url)
    except FileNotFoundError:
        system, path = store(url)
        if not has_magic(path):
            raise
        names = iter(sorted(filter(is_image_name, ask(url, system.glob, path))))
    else:
        names = iter([path]) if found["type"] == "file" else _walk(url, system, path)
    first = next(names, None)
    if first is None:
        suffixes = " ".join(sorted(IMAGE_EXTENSIONS))
        raise FileNotFoundError(f"{url} holds no image (an object ending in {suffixes})")
    yield RemoteFile(system.unstrip_protocol(first))
    for name in names:
        yield RemoteFile(system.unstrip_protocol(name))


@contextmanager
def at_hand(source: Source) -> Iterator[Path]:
    """Yield a file as it is, and an object as a copy on disk, which is gone afterwards.

    An ``ImageError`` meanwhile names the object, and not the copy.

    Raises:
        ImageError: there is no such object.
        RemoteError: the store refuses, or does not answer.
    """
    if isinstance(source, Path):
        yield source
        return
    system, path = store(source.url)
    with tempfile.TemporaryDirectory(prefix="hardsight-") as folder:
        copy = Path(folder, "object").with_suffix(PurePosixPath(path).suffix)
        try:
            ask(source.url, system.get_file, path, str(copy))
            yield copy
        except FileNotFoundError as error:
            raise ImageError(source.url, "there is no such object") from error
        except ImageError as error:
            raise type(error)(source.url, error.reason) from error


def store(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, which keeps no listings, and the path in it.

    Raises:
        ImportError: what the store needs is not installed.
        ValueError: there is no such kind of store.
    """
    from fsspec.core import url_to_fs  # slow to import: not before it is needed

    try:
        system, path = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise ImportError(
            f"{url} needs a package that is not installed ({error}): pip install "
            "'hardsight[remote]' for s3://, gcsfs for gs://, adlfs for az://"
        ) from error
    except ValueError as error:
        raise ValueError(f"{url} is of no known store ({error}); known are s3, gs, az") from error
    return system, path


def look(url: str) -> tuple[Any, str, dict[str, Any]]:
    """Return the file system of a URL, the path in it, and what the store says is there.

    Raises:
        FileNotFoundError: there is no such object or folder.
        RemoteError: the store refuses, or does not answer in ``_PATIENCE``.
        ImportError, ValueError: see ``store``.
    """

    def opened() -> tuple[Any, str, dict[str, Any]]:
        system, path = store(url)
        return system, path, ask(url, system.info, path)

    with ThreadPool(1) as pool:
        try:
            return pool.apply_async(opened).get(_PATIENCE)
        except PoolTimeout:
            raise RemoteError(
                f"{url} does not answer in {_PATIENCE:g} s; look at the network, at the address of "
                "the store, and at the credentials of this machine"
            ) from None


def ask(url: str, call: Callable[..., Any], *arguments: object) -> Any:
    """Return what a store answers; whatever it raises says which URL was asked for.

    Raises:
        FileNotFoundError: there is no such object or folder.
        RemoteError: it refuses, or does not answer.
        OSError: the disk that it writes to is full, or cannot be written.
    """
    try:
        return call(*arguments)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{url}: there is no such object or folder") from error
    except Exception as error:  # each store has errors of its own
        if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
            raise
        why = f"{type(error).__name__}: {error}"
        raise RemoteError(
            f"{url} cannot be read ({why}); look at the credentials of this machine and what they "
            "allow, at the address of the store, and at the network"
        ) from error


def _walk(url: str, system: Any, folder: str) -> Iterator[str]:
    """Yield the paths of images below a folder, sorted name by name."""
    for entry in sorted(ask(url, system.ls, folder, True), key=lambda entry: str(entry["name"])):
        path = entry["name"].rstrip("/")
        if path == folder.rstrip("/") or hidden(PurePosixPath(path).name):
            continue  # the first is the mark of an empty folder
        if entry["type"] == "directory":
            yield from _walk(url, system, path)
        elif is_image_name(path):
            yield path
