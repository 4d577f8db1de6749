"""Images in a bucket of S3, of a server on this machine."""

from urllib.request import Request, urlopen

import fsspec
import pytest
import torch
from stores import fill, picture

from hardsight.data import RemoteError, iter_sources, read_ahead

server = pytest.importorskip("moto.server", reason="needs moto[server], a server of S3 for tests")
pytest.importorskip("s3fs", reason="needs s3fs: the extra remote")


@pytest.fixture(scope="module")
def address():
    """Serve a bucket, and yield the address of its server."""
    made = server.ThreadedMotoServer(port=0, verbose=False)
    made.start()
    found = "http://{}:{}".format(*made.get_host_and_port())
    known = {
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in known.items():
            patch.setenv(name, value)
        patch.setitem(fsspec.config.conf, "s3", {"endpoint_url": found})
        system = fsspec.filesystem("s3", skip_instance_cache=True)
        system.mkdir("line")
        fill(system, "line/parts", {"b.png": picture(1), "a/1.png": picture(2), "a.md": b"#"})
        yield found
    made.stop()


def test_a_bucket_is_walked_and_read(address):
    sources = list(iter_sources(["s3://line/parts", "s3://line/parts/*.png"]))
    assert [s.url for s in sources] == [
        "s3://line/parts/a/1.png",
        "s3://line/parts/b.png",
        "s3://line/parts/b.png",
    ]
    frames = list(read_ahead(sources, (4, 4), 2))
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
