"""The copy of a data set in object storage, in the user's cache."""

import csv
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import TimeoutError as PoolTimeout
from multiprocessing.pool import ThreadPool
from pathlib import Path, PurePosixPath
from typing import Any

from hardsight.core.cache import CACHE, cache_folder
from hardsight.core.files import write_atomically, write_whole
from hardsight.core.json_files import read_object
from hardsight.core.near import hidden
from hardsight.core.words import listed
from hardsight.data.files import is_image_name
from hardsight.data.remote import RemoteError, ask, look

INDEX = "index.json"
"""Beside a mirror: its URL, and name of each file -> the version of the object that it copies."""
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
_AT_ONCE = 8
"""Files that are fetched beside each other."""
_PATIENCE = 300.0
"""Seconds without a file that came, after which a store is said not to answer."""
_log = logging.getLogger(__name__)

Version = list[Any]


@dataclass(frozen=True)
class Mirror:
    """A folder of a store, or the table in it that a URL names, as it is now; and its copy."""

    url: str

    @cached_property
    def opened(self) -> tuple[Any, PurePosixPath, str | None]:
        """The file system, the folder in it, and the name of the table."""
        system, path, found = look(self.url)
        place = PurePosixPath(path)
        if found["type"] == "file":
            return system, place.parent, place.name
        return system, place, None

    @cached_property
    def place(self) -> str:
        """The URL of the folder."""
        url = self.url.rstrip("/")
        return url if self.opened[2] is None else url.rpartition("/")[0]

    @cached_property
    def folder(self) -> Path:
        """The copy; its name is that of the folder in the store."""
        key = hashlib.sha256(self.place.encode()).hexdigest()[:16]
        return mirrors() / key / name_of(self.place)

    def updated(self, category: str | None) -> Path:
        """Bring the copy up to date, and return the path of what the URL names."""
        table, there = self.opened[2], self.listing
        if table is None:
            self._fetch(_of_category(there, category))
            return self.folder
        self._fetch({table: there[table]})
        named = _cells(self.folder / table) if table.lower().endswith(".csv") else ()
        self._fetch({name: version for name, version in there.items() if name in named})
        return self.folder / table

    def named(self) -> Path:
        """Fetch what is no image, make empty files of images that are not here, and return it."""
        table, there = self.opened[2], self.listing
        if table is not None:
            self._fetch({table: there[table]})
            return self.folder / table
        self._fetch({n: v for n, v in there.items() if not is_image_name(n)})
        for name in filter(is_image_name, there.keys() - self.index.keys()):
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return self.folder

    @cached_property
    def index(self) -> dict[str, Version]:
        """Name -> version of each file of the copy; what the store holds no more is removed."""
        index: dict[str, Version] = read_index(self.folder.parent / INDEX).get("files", {})
        wanted = set(self.listing)
        for name in index.keys() - wanted:
            del index[name]
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if path.is_file() and name not in wanted and not hidden(path.name):  # one being written
                path.unlink(missing_ok=True)
        return index

    @cached_property
    def listing(self) -> dict[str, Version]:
        """Name below the folder -> version, of every object whose name is not hidden.

        The store is asked once.

        Raises:
            FileNotFoundError: there is none.
        """
        system, place, _ = self.opened
        found = ask(self.url, lambda: system.find(str(place), detail=True))
        start = f"{str(place).rstrip('/')}/"
        names = {path.removeprefix(start): entry for path, entry in found.items()}
        odd = sorted(n for n in names if not n.endswith("/") and {"", ".", ".."} & {*n.split("/")})
        if odd:
            _log.warning("%s: left out, for they are no paths: %s", self.url, listed(odd))
        there = {
            name: [entry["size"], *(str(entry[k]) for k in _VERSION if k in entry)]
            for name, entry in names.items()
            if name not in odd and not name.endswith("/") and not any(map(hidden, name.split("/")))
        }
        if not there:
            raise FileNotFoundError(f"{self.url} holds no object")
        return there

    def _fetch(self, wanted: Mapping[str, Version]) -> None:
        """Fetch what is not there in its version, and keep in the index what was fetched."""
        due = [name for name, version in wanted.items() if not self._has(name, version)]
        if not due:
            return
        size = sum(wanted[name][0] for name in due)
        self._demand_room(size)
        _log.info("%s: fetching %d files, %s", self.url, len(due), _bytes(size))

        said = time.monotonic()
        try:
            for done, name in enumerate(self._fetched(due), 1):
                self.index[name] = wanted[name]
                if time.monotonic() - said > _SAID_EVERY:
                    _log.info("%s: %d of %d files are here", self.url, done, len(due))
                    self._keep()
                    said = time.monotonic()
        except BaseException:
            with suppress(OSError):  # of a full disk, whose error is already on its way
                self._keep()
            raise
        self._keep()

    def _fetched(self, due: Collection[str]) -> Iterator[str]:
        """Fetch files beside each other, and yield the name of each that came.

        Raises:
            RemoteError: the store does not answer; threads that wait for it hold nothing up.
        """
        with ThreadPool(min(_AT_ONCE, len(due))) as pool:
            coming = pool.imap_unordered(self._fetch_one, due)
            for done in range(len(due)):
                try:
                    yield coming.next(_PATIENCE)
                except PoolTimeout:
                    raise RemoteError(
                        f"{self.url} does not answer: no file came in {_PATIENCE:.0f} s, "
                        f"{done} of {len(due)} are here; the same command goes on from there"
                    ) from None

    def _fetch_one(self, name: str) -> str:
        system, place, _ = self.opened
        one = f"{self.url.rstrip('/')}: {name}"
        source = str(place / name)
        write_whole(self.folder / name, lambda part: ask(one, system.get_file, source, str(part)))
        return name

    def _has(self, name: str, version: Version) -> bool:
        path = self.folder / name
        return (
            self.index.get(name) == version and path.is_file() and path.stat().st_size == version[0]
        )

    def _keep(self) -> None:
        known = {"url": self.place, "files": self.index}
        write_atomically(self.folder.parent / INDEX, json.dumps(known))

    def _demand_room(self, size: int) -> None:
        """Refuse what the disk cannot hold, before anything is fetched."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(f"{CACHE} or the cache cannot be written: {error}") from error
        free = shutil.disk_usage(self.folder).free
        if size > free:
            raise OSError(
                f"{self.url} takes {_bytes(size)}, and {self.folder} has {_bytes(free)} free; name "
                f"a folder of a larger disk in {CACHE}"
            )


def mirrors() -> Path:
    """Return the folder of all mirrors."""
    return cache_folder() / "mirrors"


def name_of(url: str) -> str:
    """Return the name of the copy of a folder of a store."""
    return PurePosixPath(url).name or "root"


def read_index(index: Path) -> dict[str, Any]:
    """Return an index; none where it is missing or damaged, and all is fetched again."""
    try:
        return read_object(index, "fetch all again")
    except (OSError, ValueError):
        return {}


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
