"""Places of data sets: paths, and URLs (fsspec), whose mirrors give layouts their folders."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hardsight.data.mirror import INDEX, Mirror, mirrors, name_of, read_index
from hardsight.data.remote import is_url, look


@dataclass(frozen=True)
class Named:
    """A data set of which the names are on disk; the images of a mirror may be empty files."""

    root: Path
    """The folder, or the file that names the images."""
    mirror: Mirror | None
    """That of a URL."""

    def fetch(self, category: str | None) -> None:
        """Fetch the images of a category, or all, see ``on_disk``; the store is not asked again."""
        if self.mirror is not None:
            self.mirror.updated(category)


@contextmanager
def named_on_disk(place: str | Path) -> Iterator[Named]:
    """Yield a path as it is, and of a URL its mirror, whose images may be empty files still.

    So a layout is recognised, or refused, by names alone, before images are fetched. An error
    meanwhile that names the mirror names the URL instead.

    Raises:
        OSError, ImportError, ValueError: see ``on_disk``.
    """
    mirror = Mirror(str(place)) if is_url(str(place)) else None
    found = Named(Path(place) if mirror is None else mirror.named(), mirror)
    try:
        yield found
    except (OSError, ValueError) as error:
        if mirror is None or error.args != (str(error),):
            raise
        raise type(error)(str(error).replace(str(found.root), mirror.url)) from error


def on_disk(place: str | Path, category: str | None = None) -> Path:
    """Return where a data set lies on this machine: a path as it is, a URL as its mirror.

    A mirror is brought up to date first: what the store has changed is fetched, what it has
    removed is removed. Hidden names are left out, and with a warning those that are no paths. Of a
    table (.csv) come the files that it names.

    Args:
        place: folder or file of the data set.
        category: whose images are enough, where it is a folder of the data set; all that is no
            image comes nevertheless.

    Raises:
        FileNotFoundError: the store has no such object or folder, or nothing in it.
        RemoteError: the store refuses, or does not answer; what was fetched stays.
        OSError: the cache cannot be written, or its disk has no room; what was fetched stays.
        ImportError, ValueError: no known kind of store, or its package is not installed.
    """
    url = str(place)
    return Mirror(url).updated(category) if is_url(url) else Path(place)


def with_urls(text: str) -> str:
    """Return a text in which the paths of mirrors are the URLs of what they copy."""
    top = mirrors()
    if str(top) not in text:
        return text
    for index in top.glob(f"*/{INDEX}"):
        url = read_index(index).get("url")
        if url:
            text = text.replace(str(index.parent / name_of(url)), url)
    return text


def exists(place: str | Path) -> bool:
    """Tell whether a path, or an object or folder of a store, is there.

    Raises:
        RemoteError, ImportError, ValueError: see ``on_disk``.
    """
    url = str(place)
    if not is_url(url):
        return Path(place).exists()
    try:
        look(url)
    except FileNotFoundError:
        return False
    return True


def below(place: str | Path, *names: str) -> str:
    """Return the path or URL of what lies below another; "." is the place itself."""
    url = str(place)
    if not is_url(url):
        return str(Path(place, *names))
    return "/".join((url.rstrip("/"), *(name for name in names if name != ".")))
