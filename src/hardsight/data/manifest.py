"""The exact files of a data set, so that a result can say what it was measured on."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from hardsight.core.files import write_atomically
from hardsight.core.json_files import read_json
from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.containers import content_sha256
from hardsight.data.files import relative_name, worker_threads

Role = Literal["train", "validation", "test"]
_ROLES: tuple[Role, ...] = ("train", "validation", "test")


class ManifestChanged(ValueError):  # noqa: N818 (a state of the data, and its name in the interface)
    """The data are not those that were recorded; ``differences`` says in what."""

    def __init__(self, path: Path, differences: list[str]) -> None:
        super().__init__(path, differences)
        self.path = path
        self.differences = differences

    def __str__(self) -> str:
        shown = "".join(f"\n  - {line}" for line in self.differences[:10])
        more = len(self.differences) - 10
        return (
            f"the data are not those recorded in {self.path}:{shown}"
            + (f"\n  ... and {more} more" if more > 0 else "")
            + "\nRestore them, write to another place, or allow the change (--allow-data-change, "
            "in Python allow_change=True) to record the data as they are now"
        )


@dataclass(frozen=True)
class Entry:
    """One image of a data set."""

    path: str
    """Relative to the data set's root, with forward slashes; so is ``mask``."""
    sha256: str
    role: Role
    anomalous: bool
    mask: str | None = None
    """Path of the mask; of several masks of one image, the folder they lie in."""
    mask_sha256: str | None = None
    """Hash of the mask; of several masks, that of their hashes in order."""


@dataclass(frozen=True)
class Manifest:
    """All files of a data set, with their roles, labels, masks and contents."""

    entries: tuple[Entry, ...]
    """Sorted by path."""

    @classmethod
    def of(cls, data: AnomalyData) -> "Manifest":
        """Read and hash every file of ``data`` (skipped ones are not among them).

        Raises:
            OSError: a file cannot be read.
            ValueError: one file has two roles, so that what was learnt would be tested.
        """
        sets = (data.train, data.validation, data.test)
        found = [(role, s) for role, one in zip(_ROLES, sets, strict=True) for s in one.samples]
        names = [relative_name(sample.path, data.root) for _, sample in found]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            roles = [role for name, (role, _) in zip(names, found, strict=True) if name == twice[0]]
            raise ValueError(
                f"{len(twice)} files are used more than once, e.g. {twice[0]!r} in "
                f"{' and '.join(roles)}; give every file one role"
            )
        with worker_threads() as pool:
            hashes = list(pool.map(content_sha256, [sample.path for _, sample in found]))
            mask_hashes = list(pool.map(_masks_sha256, [sample.masks for _, sample in found]))
        entries = [
            Entry(
                path=name,
                sha256=digest,
                role=role,
                anomalous=sample.anomalous,
                mask=_mask_name(sample.masks, data.root),
                mask_sha256=mask_digest,
            )
            for name, (role, sample), digest, mask_digest in zip(
                names, found, hashes, mask_hashes, strict=True
            )
        ]
        return cls(tuple(sorted(entries, key=lambda entry: entry.path)))

    @property
    def sha256(self) -> str:
        """The hash of everything in the manifest: 64 hexadecimal digits."""
        rows = [asdict(entry) for entry in self.entries]
        plain = json.dumps(rows, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()

    def copies(self) -> list[tuple[Entry, Entry]]:
        """Return the held-out images whose files equal one of training, each with that one."""
        learnt = {entry.sha256: entry for entry in self.entries if entry.role == "train"}
        held_out = (entry for entry in self.entries if entry.role != "train")
        return [(entry, learnt[entry.sha256]) for entry in held_out if entry.sha256 in learnt]

    @property
    def trained(self) -> set[str]:
        """The hashes of the training images' files."""
        return {entry.sha256 for entry in self.entries if entry.role == "train"}

    @property
    def anomalous(self) -> set[str]:
        """The hashes of the anomalous images' files."""
        return {entry.sha256 for entry in self.entries if entry.anomalous}

    def write(self, path: str | Path) -> None:
        """Write the manifest as JSON; the file is replaced as a whole or not at all."""
        path = Path(path)
        content = {"sha256": self.sha256, "entries": [asdict(entry) for entry in self.entries]}
        write_atomically(path, json.dumps(content, indent=1) + "\n")

    @classmethod
    def read(cls, path: str | Path) -> "Manifest":
        """Read a manifest that ``write`` wrote.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not a manifest, or altered since it was written.
        """
        known = {field.name for field in fields(Entry)}

        def manifest(content: dict[str, Any]) -> "Manifest":
            rows = content["entries"]
            if any(set(row) != known for row in rows):
                raise ValueError(f"its entries must have the fields {', '.join(sorted(known))}")
            found = cls(tuple(Entry(**row) for row in rows))
            if content["sha256"] != found.sha256:
                raise ValueError("its hash is not that of its entries")
            return found

        way_out = "remove it to record the data anew"
        return read_json(path, way_out, manifest, fault="not a manifest, or was edited")

    def difference(self, other: "Manifest") -> list[str]:
        """Return what changed from this manifest to ``other``, one sentence a change, by path."""
        old = {entry.path: entry for entry in self.entries}
        new = {entry.path: entry for entry in other.entries}
        return [
            sentence
            for path in sorted(old.keys() | new.keys())
            for sentence in _changes(path, old.get(path), new.get(path))
        ]

    @classmethod
    def check(cls, data: AnomalyData, path: str | Path, allow_change: bool = False) -> "Manifest":
        """Hold ``data`` against the manifest at ``path``, which is written if there is none yet.

        Args:
            data: The data set as it is now.
            path: The manifest's file.
            allow_change: Record the data as they are now instead of raising.

        Returns:
            The manifest of ``data``.

        Raises:
            ManifestChanged: the data are not those recorded.
            ValueError: the file is not a manifest, or a file of the data has two roles.
        """
        path = Path(path)
        now = cls.of(data)
        if path.exists():
            differences = cls.read(path).difference(now)
            if not differences:
                return now
            if not allow_change:
                raise ManifestChanged(path, differences)
        now.write(path)
        return now


def _changes(path: str, old: Entry | None, new: Entry | None) -> list[str]:
    if old is None or new is None:
        only = new or old
        assert only is not None
        return [f"{path} was {'added to' if old is None else 'removed from'} {only.role}"]
    found = []
    if old.role != new.role:
        found.append(f"{path} moved from {old.role} to {new.role}")
    if old.sha256 != new.sha256:
        found.append(f"{path} has another content")
    if old.anomalous != new.anomalous:
        found.append(f"{path} is now labelled {'anomalous' if new.anomalous else 'normal'}")
    if old.mask != new.mask:
        found.append(f"{path} has the mask {new.mask}, not {old.mask}")
    elif old.mask_sha256 != new.mask_sha256:
        found.append(f"{path} has a mask ({new.mask}) with another content")
    return found


def _mask_name(masks: tuple[Path, ...], root: Path) -> str | None:
    if not masks:
        return None
    return relative_name(masks[0] if len(masks) == 1 else masks[0].parent, root)


def _masks_sha256(masks: tuple[Path, ...]) -> str | None:
    if len(masks) <= 1:
        return content_sha256(masks[0]) if masks else None
    return hashlib.sha256("".join(map(content_sha256, masks)).encode()).hexdigest()
