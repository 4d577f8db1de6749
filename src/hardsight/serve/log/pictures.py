"""Thumbnails and heat maps of decisions, kept beside the log within a budget of the disk."""

import logging
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from hardsight.serve.decision import Decision

_log = logging.getLogger(__name__)
KEEP = ("all", "alarms", "none")
Picture = Literal["thumbnail.jpg", "heat.png"]
PICTURES: tuple[Picture, ...] = get_args(Picture)


@dataclass(frozen=True)
class Policy:
    """Whose pictures are kept, and how many bytes of them.

    Raises:
        ValueError: another word than all, alarms and none, or a budget below 0.
    """

    keep: str = "alarms"
    budget: int = 2**30

    def __post_init__(self) -> None:
        if self.keep not in KEEP:
            raise ValueError(f"keep={self.keep!r} must be all, alarms or none")
        if self.budget < 0:
            raise ValueError(f"budget={self.budget} must be a number of bytes, 0 or more")

    def wants(self, decision: Decision) -> bool:
        """Tell whether a decision's pictures are kept."""
        return self.keep == "all" or (self.keep == "alarms" and decision.label)


class PictureStore:
    """A folder of pictures; the oldest go when it is full.

    A picture is no record: one that cannot be written is left out, with a warning, and the decision
    stands without it.

    Args:
        folder: made when the first picture comes.
        policy: what is kept.
    """

    def __init__(self, folder: str | Path, policy: Policy) -> None:
        self.folder, self.policy = Path(folder), policy
        self._lock = threading.Lock()
        found = sorted(p for p in self.folder.glob("*/*") if p.name.endswith(PICTURES))
        self._sizes = OrderedDict((path, path.stat().st_size) for path in found)
        self._used = sum(self._sizes.values())

    @property
    def used(self) -> int:
        """How many bytes the pictures take."""
        return self._used

    def path(self, decision: str, picture: Picture) -> Path:
        """Return where a picture lies, or would: ids of about one minute share a folder."""
        return self.folder / decision[:8] / f"{decision}.{picture}"

    def read(self, decision: str, picture: Picture) -> bytes | None:
        """Return a picture's bytes; None where it is not kept, or not any more."""
        try:
            return self.path(decision, picture).read_bytes()
        except FileNotFoundError:
            return None

    def kept(self, decision: str) -> list[Picture]:
        """Return which pictures of a decision are kept."""
        return [picture for picture in PICTURES if self.path(decision, picture).is_file()]

    def write(self, decision: str, pictures: dict[Picture, bytes]) -> None:
        """Keep pictures of a decision, and drop the oldest of others beyond the budget."""
        with self._lock:
            for picture, data in pictures.items():
                self._make_room(len(data))
                if self._used + len(data) <= self.policy.budget:
                    self._write(self.path(decision, picture), data)

    def _make_room(self, size: int) -> None:
        while self._sizes and self._used + size > self.policy.budget:
            path, freed = self._sizes.popitem(last=False)
            self._used -= freed
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                _log.warning("picture left where it is: %s cannot be removed (%s)", path, error)
            with suppress(OSError):  # others are in it
                path.parent.rmdir()

    def _write(self, path: Path, data: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            _log.warning("picture left out: %s cannot be written (%s)", path, error)
            with suppress(OSError):
                path.unlink()
            return
        self._sizes[path] = len(data)
        self._used += len(data)
