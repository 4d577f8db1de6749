"""Object stores for tests: in memory, and a server of S3."""

import io
import threading
from collections import Counter
from contextlib import contextmanager
from typing import ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image


class Silent(MemoryFileSystem):
    """A store that does not answer, until it is let go."""

    protocol = "silent"
    released: ClassVar = threading.Event()

    def info(self, path, **options):
        self.released.wait(60)
        raise FileNotFoundError(path)


class Refusing(MemoryFileSystem):
    """A store that lets nobody in."""

    protocol = "refusing"

    def info(self, path, **options):
        raise PermissionError("The AWS Access Key Id does not exist")


ROOT = "counting://shop/parts"
"""Where the data set of the fixture ``store`` is."""


class Counting(MemoryFileSystem):
    """A store that counts what is fetched from it, and how often it is listed."""

    protocol = "counting"
    store: ClassVar = {}  # its own: the stores in memory share one
    pseudo_dirs: ClassVar = [""]
    fetched: ClassVar = Counter()
    listings: ClassVar = 0

    @classmethod
    def taken(cls):
        """Return the names of what was fetched since the last call, below the data set."""
        names = sorted(path.removeprefix("/shop/parts/") for path in cls.fetched.elements())
        cls.fetched.clear()
        cls.listings = 0
        return names

    def find(self, path, *arguments, **options):
        Counting.listings += 1
        return super().find(path, *arguments, **options)

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("counting://"))

    def get_file(self, path, *arguments, **options):
        self.fetched[path] += 1
        super().get_file(path, *arguments, **options)


for one in (Silent, Refusing, Counting):
    fsspec.register_implementation(one.protocol, one, clobber=True)
fsspec.register_implementation("absent", "no_such_module.Store", True, "Please install absentfs")


def picture(value):
    """Return the bytes of a PNG of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (8, 6), (value, 0, 0)).save(file, "png")
    return file.getvalue()


def fill(system, root, files):
    """Write files, name -> bytes, below a folder of a file system."""
    for name, content in files.items():
        system.pipe_file(f"{root}/{name}", content)


@contextmanager
def s3_server(root, files):
    """Serve S3 with files, name -> bytes, below ``bucket/folder``, and yield its address.

    This process and those that it begins are known to it.
    """
    server = pytest.importorskip("moto.server", reason="needs moto[server], S3 for tests")
    pytest.importorskip("s3fs", reason="needs s3fs: the extra remote")
    made = server.ThreadedMotoServer(port=0, verbose=False)
    made.start()
    address = "http://{}:{}".format(*made.get_host_and_port())
    variables = {
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "us-east-1",
        "FSSPEC_S3_ENDPOINT_URL": address,
    }
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            conf = fsspec.config.conf
            patch.setitem(conf, "s3", {"endpoint_url": address})  # as a new process has it
            system = fsspec.filesystem("s3", skip_instance_cache=True)
            system.mkdir(root.partition("/")[0])
            fill(system, root, files)
            yield address
    finally:  # its thread keeps a test run that failed from ending
        made.stop()
