"""Bundles as run folders: checked, and unpacked for as long as they are used."""

import os
import shutil
import tempfile
from pathlib import Path

from hardsight.core.run_folders import BundleError
from hardsight.runs.bundles.archive import Archive
from hardsight.runs.bundles.signature import check_signature

KEY = "HARDSIGHT_BUNDLE_KEY"
"""Environment variable: PEM file of the public key that every bundle must be signed for."""


def unpack(path: Path, public_key: Path | None = None) -> Path:
    """Check a bundle, and return a new temporary folder with its files.

    Args:
        path: of the bundle.
        public_key: that it must be signed for; None: that of ``HARDSIGHT_BUNDLE_KEY``, if set.

    Raises:
        FileNotFoundError: there is no such file, or no such key.
        BundleError: it is no bundle, truncated, changed, or not signed for the key.
    """
    folder = Path(tempfile.mkdtemp(prefix="hardsight-bundle-"))
    try:
        with Archive(path) as archive:
            check_signed(archive, public_key)
            archive.extract(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def check_signed(archive: Archive, public_key: Path | None = None) -> Path | None:
    """Refuse a bundle that is not signed for the key that is asked for; return that key.

    Raises:
        FileNotFoundError: there is no such key.
        BundleError: unsigned, changed, or signed by another key.
    """
    told = os.environ.get(KEY)
    key = public_key or (Path(told) if told else None)
    if key is not None:
        try:
            check_signature(archive.manifest_bytes, archive.signature, key)
        except BundleError as error:
            raise BundleError(f"{archive.path} is refused: {error}") from error
    return key
