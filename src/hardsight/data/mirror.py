"""Data sets at URLs (fsspec), mirrored in the user's cache, so that layouts find folders."""

import csv
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from hardsight.core.cache import CACHE, cache_folder
from hardsight.core.files import write_atomically, write_whole
from hardsight.data.files import hidden, is_image_name, worker_threads
from hardsight.data.remote import ask, is_url, store

INDEX = "index.json"
"""Beside a mirror: name of each file -> the version of the object that it is a copy of."""
_VERSION = (
    "ETag",
    "etag",
    "md5Hash",
    "LastModified",
    "last_modified",
    "updated",
    "mtime",
    "created",
)
"""What stores tell of an object that changes with it."""
_SAID_EVERY = 10.0
"""Seconds between two lines of the log about how far a mirror is."""
_log = logging.getLogger(__name__)

Version = list[Any]


@contextmanager
def mirrored(place: str | Path, category: str | None = None) -> Iterator[Path]:
    """Yield what ``on_disk`` returns; an error meanwhile that names it names the URL instead."""
    root = on_disk(place, category)
    try:
        yield root
    except (OSError, ValueError) as error:
        if not is_url(str(place)) or error.args != (str(error),):
            raise
        raise type(error)(str(error).replace(str(root), str(place))) from error


def on_disk(place: str | Path, category: str | None = None) -> Path:
    """Return where a data set lies on this machine: a path as it is, a URL as its mirror.

    A mirror is brought up to date first: what the store has changed is fetched, what it has
    removed is removed. Hidden names are left out. Of a table (.csv) come the files that it names.

    Args:
        place: folder or file of the data set.
        category: whose images are enough, where it is a folder of the data set; all that is no
            image comes nevertheless.

    Raises:
        FileNotFoundError: the store has no such object or folder.
        RemoteError: the store refuses, or does not answer.
        OSError: the disk has no room for it; what was fetched stays.
        ImportError, ValueError: no known kind of store, or its package is not installed.
    """
    url = str(place)
    return _Mirror(url).updated(category) if is_url(url) else Path(place)


def exists(place: str | Path) -> bool:
    """Tell whether a path, or an object or folder of a store, is there.

    Raises:
        RemoteError, ImportError, ValueError: see ``on_disk``.
    """
    url = str(place)
    if not is_url(url):
        return Path(place).exists()
    system, path = store(url)
    return bool(ask(url, system.exists, path))


def below(place: str | Path, *names: str) -> str:
    """Return the path or URL of what lies below another; "." is the place itself."""
    url = str(place)
    if not is_url(url):
        return str(Path(place, *names))
    return "/".join((url.rstrip("/"), *(name for name in names if name != ".")))


@dataclass(frozen=True)
class _Mirror:
    """A folder of a store, or the table in it that a URL names, and its copy on disk."""

    url: str

    @cached_property
    def opened(self) -> tuple[Any, PurePosixPath, str | None]:
        """The file system, the folder in it, and the name of the table."""
        system, path = store(self.url)
        found, place = ask(self.url, system.info, path), PurePosixPath(path)
        if found["type"] == "file":
            return system, place.parent, place.name
        return system, place, None

    @cached_property
    def folder(self) -> Path:
        """The copy; its name is that of the folder in the store."""
        system, place, _ = self.opened
        key = hashlib.sha256(system.unstrip_protocol(str(place)).encode()).hexdigest()[:16]
        return cache_folder() / "mirrors" / key / (place.name or "root")

    def updated(self, category: str | None) -> Path:
        """Bring the copy up to date, and return the path of what the URL names."""
        table, there = self.opened[2], self._listed()
        index = self._read_index()
        for name in index.keys() - there.keys():
            (self.folder / name).unlink(missing_ok=True)
            del index[name]
        if table is None:
            self._fetch(_of_category(there, category), index)
            return self.folder
        self._fetch({table: there[table]}, index)
        named = _cells(self.folder / table) if table.lower().endswith(".csv") else ()
        self._fetch({name: version for name, version in there.items() if name in named}, index)
        return self.folder / table

    def _listed(self) -> dict[str, Version]:
        """Return name below the folder -> version, of every object whose name is not hidden."""
        system, place, _ = self.opened
        found = ask(self.url, lambda: system.find(str(place), detail=True))
        names = {PurePosixPath(path).relative_to(place): entry for path, entry in found.items()}
        return {
            name.as_posix(): [entry["size"], *(str(entry[k]) for k in _VERSION if k in entry)]
            for name, entry in names.items()
            if name.parts and not any(map(hidden, name.parts))  # no ".." either
        }

    def _fetch(self, wanted: Mapping[str, Version], index: dict[str, Version]) -> None:
        """Fetch what is not there in its version, and keep in the index what was fetched."""
        due = [name for name, version in wanted.items() if not self._has(name, version, index)]
        if not due:
            return
        size = sum(wanted[name][0] for name in due)
        self._demand_room(size)
        _log.info("%s: fetching %d files, %s", self.url, len(due), _bytes(size))

        def fetch(name: str) -> None:
            self._fetch_one(name)
            index[name] = wanted[name]

        pool, said = worker_threads(), time.monotonic()
        try:
            for done, _ in enumerate(pool.map(fetch, due), 1):
                if time.monotonic() - said > _SAID_EVERY:
                    _log.info("%s: %d of %d files are here", self.url, done, len(due))
                    self._keep(index)
                    said = time.monotonic()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            with suppress(OSError):  # of a full disk, whose error is already on its way
                self._keep(index)
            raise
        pool.shutdown()
        self._keep(index)

    def _fetch_one(self, name: str) -> None:
        system, place, _ = self.opened
        one = f"{self.url.rstrip('/')}: {name}"
        source = str(place / name)
        write_whole(self.folder / name, lambda part: ask(one, system.get_file, source, str(part)))

    def _has(self, name: str, version: Version, index: Mapping[str, Version]) -> bool:
        path = self.folder / name
        return index.get(name) == version and path.is_file() and path.stat().st_size == version[0]

    def _keep(self, index: Mapping[str, Version]) -> None:
        write_atomically(self.folder.parent / INDEX, json.dumps(dict(index)))

    def _read_index(self) -> dict[str, Version]:
        """Return the index; none where it is missing or damaged, and all is fetched again."""
        try:
            found = json.loads((self.folder.parent / INDEX).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _demand_room(self, size: int) -> None:
        """Refuse what the disk cannot hold, before anything is fetched."""
        self.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.folder).free
        if size > free:
            raise OSError(
                f"{self.url} takes {_bytes(size)}, and {self.folder} has {_bytes(free)} free; name "
                f"a folder of a larger disk in {CACHE}"
            )


def _of_category(there: Mapping[str, Version], category: str | None) -> Mapping[str, Version]:
    """Return what a category needs: all, if none is named or it is no folder."""
    start = f"{category}/"
    if category is None or not any(name.startswith(start) for name in there):
        return there
    return {n: v for n, v in there.items() if n.startswith(start) or not is_image_name(n)}


def _cells(table: Path) -> frozenset[str]:
    """Return the text of every cell, as the name of a file beside the table."""
    with table.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        return frozenset(
            PurePosixPath(cell).as_posix() for row in csv.reader(lines) for cell in row
        )


def _bytes(count: int) -> str:
    """Return a size in the unit that suits it."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"
