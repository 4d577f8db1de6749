"""The list of what a bundle holds: the first file in it."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hardsight.core.run_folders import BundleError
from hardsight.core.validation import first_problem

MANIFEST_NAME = "bundle.json"
SIGNATURE_NAME = "bundle.sig"
"""Ed25519 signature of the bytes of ``bundle.json``, which hold the hashes of all others."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


class Part(BaseModel):
    """One file of a bundle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(ge=0)
    """In bytes."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Reference(BaseModel):
    """A reference image of a bundle, and what it scored when the bundle was written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    score: float
    p_value: float
    label: bool
    """True is anomalous."""


class BundleManifest(BaseModel):
    """What a bundle holds, and what its reference images must score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    hardsight: str
    """Version that wrote it."""
    method: str
    model: str
    """Hash of weights and settings, see ``fingerprint``."""
    tolerance: float = Field(ge=0)
    """By which a reference image may score otherwise on another machine."""
    references: tuple[Reference, ...] = ()
    files: dict[str, Part]

    @classmethod
    def parse(cls, content: bytes) -> "BundleManifest":
        """Read ``bundle.json``.

        Raises:
            BundleError: it is damaged, of a newer format, or names files outside the bundle.
        """
        try:
            found = cls.model_validate_json(content)
        except ValidationError as error:
            raise BundleError(
                f"{MANIFEST_NAME} cannot be used ({first_problem(error)}); it is damaged, or was "
                "written by a newer hardsight"
            ) from error
        for name in (*found.files, *(r.file for r in found.references)):
            if not NAME.fullmatch(name):
                raise BundleError(f"{MANIFEST_NAME} names {name!r}, which is no plain file name")
        missing = {r.file for r in found.references} - found.files.keys()
        if missing:
            raise BundleError(f"{MANIFEST_NAME} names reference images it lacks: {sorted(missing)}")
        return found

    def content(self) -> bytes:
        """Return the bytes of ``bundle.json``: the same for the same content."""
        return (self.model_dump_json(indent=1) + "\n").encode()
