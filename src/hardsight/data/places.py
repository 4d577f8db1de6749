"""Places of data sets: paths, and URLs (fsspec), whose mirrors give layouts their folders."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hardsight.data.mirror import INDEX, Mirror, mirrors, name_of, read_index
from hardsight.data.remote import ask, is_url, store


@contextmanager
def named_on_disk(place: str | Path) -> Iterator[Path]:
    """Yield a path as it is, and of a URL its mirror, whose images may be empty files still.

    So a layout is recognised, or refused, by names alone, before images are fetched with
    ``on_disk``. An error meanwhile that names the mirror names the URL instead.

    Raises:
        OSError, ImportError, ValueError: see ``on_disk``.
    """
    root = Mirror(str(place)).named() if is_url(str(place)) else Path(place)
    try:
        yield root
    except (OSError, ValueError) as error:
        if not is_url(str(place)) or error.args != (str(error),):
            raise
        raise type(error)(str(error).replace(str(root), str(place))) from error


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
    system, path = store(url)
    return bool(ask(url, system.exists, path))


def below(place: str | Path, *names: str) -> str:
    """Return the path or URL of what lies below another; "." is the place itself."""
    url = str(place)
    if not is_url(url):
        return str(Path(place, *names))
    return "/".join((url.rstrip("/"), *(name for name in names if name != ".")))
