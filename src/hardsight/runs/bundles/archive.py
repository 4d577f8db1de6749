"""The zip file of a bundle: written deterministically, read as something an enemy may have sent."""

import hashlib
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from hardsight.core.run_folders import BundleError, check_bundle
from hardsight.runs.bundles.manifest import (
    MANIFEST_NAME,
    SIGNATURE_NAME,
    BundleManifest,
    Part,
)

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file, so that the same content gives the same bundle."""
MOST_FILES, MANIFEST_BYTES = 10_000, 16 << 20
CHUNK = 1 << 20
BROKEN = (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, RuntimeError, struct.error)
"""What the standard library raises of a zip file that is none, or is damaged."""
Content = Path | bytes


def described(content: Content) -> Part:
    """Return size and SHA-256 of a file or of bytes."""
    if isinstance(content, bytes):
        return Part(size=len(content), sha256=hashlib.sha256(content).hexdigest())
    with content.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Part(size=file.tell(), sha256=digest)


def write_archive(
    path: Path, manifest: bytes, signature: bytes | None, contents: Mapping[str, Content]
) -> None:
    """Write manifest, signature and files, stored as they are, in the order of their names."""
    first = {MANIFEST_NAME: manifest} | ({} if signature is None else {SIGNATURE_NAME: signature})
    ordered: dict[str, Content] = {**first, **dict(sorted(contents.items()))}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in ordered.items():
            info = zipfile.ZipInfo(name, EPOCH)
            info.external_attr = 0o100644 << 16
            info.create_system = 3  # the same on every system
            if isinstance(content, bytes):
                archive.writestr(info, content)
                continue
            info.file_size = content.stat().st_size
            with content.open("rb") as source, archive.open(info, "w") as target:
                while block := source.read(CHUNK):
                    target.write(block)


class Archive:
    """An open bundle, checked: its manifest is that of its files, whose bytes are not read yet.

    A context manager. Names that leave the folder, files that are listed twice, compressed,
    encrypted or not listed, and sizes that add up to more than the file has, are refused before
    anything is written.

    Raises:
        FileNotFoundError: there is no such file.
        BundleError: it is no bundle, truncated, or none that hardsight wrote.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        check_bundle(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except BROKEN as error:
            raise BundleError(f"{path} is no bundle, or is truncated ({error})") from error
        try:
            self.manifest_bytes, self.signature = self._head()
            self.manifest = BundleManifest.parse(self.manifest_bytes)
            self._check_files()
        except BundleError as error:
            self._zip.close()
            raise BundleError(f"{path} is refused: {error}") from error

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def _head(self) -> tuple[bytes, bytes | None]:
        """Check the directory of the zip file; return manifest and signature."""
        entries = self._zip.infolist()
        names = [entry.filename for entry in entries]
        if len(entries) > MOST_FILES:
            raise BundleError(f"it holds {len(entries)} files, and a bundle at most {MOST_FILES}")
        if twice := {name for name in names if names.count(name) > 1}:
            raise BundleError(f"it holds {min(twice)!r} twice")
        for entry in entries:
            if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
                raise BundleError(f"{entry.filename!r} is compressed or encrypted")
            if entry.compress_size != entry.file_size:
                raise BundleError(f"{entry.filename!r} has two sizes")
            if entry.header_offset < 0:
                raise BundleError(f"{entry.filename!r} begins before the file does")
        if sum(entry.file_size for entry in entries) > self.path.stat().st_size:
            raise BundleError("its files claim more bytes than it has")
        if MANIFEST_NAME not in names:
            raise BundleError(f"it has no {MANIFEST_NAME}, so it is not a bundle")
        signature = self._read(SIGNATURE_NAME) if SIGNATURE_NAME in names else None
        return self._read(MANIFEST_NAME), signature

    def _check_files(self) -> None:
        """Hold the files of the zip file against the manifest."""
        there = {e.filename: e.file_size for e in self._zip.infolist()}
        for name in (MANIFEST_NAME, SIGNATURE_NAME):
            there.pop(name, None)
        if strangers := there.keys() - self.manifest.files.keys():
            raise BundleError(f"it holds {min(strangers)!r}, which {MANIFEST_NAME} does not name")
        for name, part in self.manifest.files.items():
            if there.get(name) != part.size:
                raise BundleError(
                    f"{name} is missing or has another size than {MANIFEST_NAME} says"
                )

    def _read(self, name: str) -> bytes:
        if self._zip.getinfo(name).file_size > MANIFEST_BYTES:
            raise BundleError(f"{name} is larger than {MANIFEST_BYTES >> 20} MiB")
        try:
            return self._zip.read(name)
        except BROKEN as error:
            raise BundleError(f"{name} is damaged ({error})") from error

    def extract(self, folder: Path) -> None:
        """Write all files into a folder, while their hashes are compared.

        Raises:
            BundleError: a file is not what the manifest says.
        """
        for name, part in self.manifest.files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with self._zip.open(name) as source, target.open("xb") as file:
                    found = _copy(source, file)
            except BROKEN as error:
                raise BundleError(f"{self.path} is refused: {name} is damaged ({error})") from error
            if found != part.sha256:
                raise BundleError(
                    f"{self.path} is refused: {name} was changed; its SHA-256 is {found}, and "
                    f"{MANIFEST_NAME} says {part.sha256}"
                )


def _copy(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy, and return the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    while block := source.read(CHUNK):
        digest.update(block)
        target.write(block)
    return digest.hexdigest()
