"""Images in a bucket of S3, of a server on this machine."""

from urllib.request import Request, urlopen

import pytest
import torch
from stores import picture, s3_server

from hardsight.data import Decoding, RemoteError, iter_sources, read_ahead


@pytest.fixture(scope="module")
def address():
    """Serve a bucket, and yield the address of its server."""
    files = {"b.png": picture(1), "a/1.png": picture(2), "a.md": b"#"}
    with s3_server("line/parts", files) as found:
        yield found


def test_a_bucket_is_walked_and_read(address):
    sources = list(iter_sources(["s3://line/parts", "s3://line/parts/*.png"]))
    assert [s.url for s in sources] == [
        "s3://line/parts/a/1.png",
        "s3://line/parts/b.png",
        "s3://line/parts/b.png",
    ]
    frames = list(read_ahead(sources, Decoding((4, 4)), 2))
    assert torch.equal(frames[1].image, frames[2].image)
    assert [round(255 * float(f.image.max())) for f in frames] == [2, 1, 1]


def test_what_a_bucket_lacks_or_refuses_is_named(address):
    for url in ("s3://line/none", "s3://nobody/parts"):
        with pytest.raises(FileNotFoundError, match=f"^{url}: there is no such object or folder"):
            iter_sources([url])
    only_known(address, "0")
    with pytest.raises(RemoteError, match=r"^s3://line/parts cannot be read.*credentials"):
        iter_sources(["s3://line/parts"])
    only_known(address, "inf")


def only_known(address, after):
    """Have the server refuse keys that it does not know, after so many requests."""
    text = {"Content-Type": "text/plain"}
    urlopen(Request(f"{address}/moto-api/reset-auth", after.encode(), text)).close()
