"""Object stores for tests, in memory."""

import io
from collections import Counter
from typing import ClassVar

import fsspec
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image


class Refusing(MemoryFileSystem):
    """A store that lets nobody in."""

    protocol = "refusing"

    def info(self, path, **options):
        raise PermissionError("The AWS Access Key Id does not exist")


class Counting(MemoryFileSystem):
    """A store that counts what is fetched from it."""

    protocol = "counting"
    fetched: ClassVar = Counter()

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("counting://"))

    def get_file(self, path, *arguments, **options):
        self.fetched[path] += 1
        super().get_file(path, *arguments, **options)


for one in (Refusing, Counting):
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
