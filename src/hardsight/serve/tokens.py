"""Bearer tokens: shown once, kept as hashes, compared in constant time, and they expire."""

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from hardsight.core.files import write_whole
from hardsight.core.json_files import read_json
from hardsight.serve.decision import now

DAYS = 365


class TokenError(ValueError):
    """A token that opens nothing; ``expired`` tells why."""

    def __init__(self, reason: str, expired: bool = False) -> None:
        super().__init__(reason)
        self.expired = expired


@dataclass(frozen=True)
class Token:
    """What a file keeps of a token."""

    sha256: str
    """Hash of the token: 256 random bits need no slow one."""
    expires: str
    """ISO 8601, in UTC unless it says another zone."""

    @property
    def until(self) -> datetime:
        """When it expires, with its zone.

        Raises:
            ValueError: ``expires`` is no such time.
        """
        found = datetime.fromisoformat(self.expires)
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    @classmethod
    def of(cls, token: str, days: float = DAYS) -> Self:
        """Return the record of a token that is good for some days."""
        return cls(_digest(token), (now() + timedelta(days=days)).isoformat(timespec="seconds"))


class Tokens:
    """The tokens of a file: a JSON list of ``Token``; it is read again when it changes.

    Raises:
        ValueError: it is no such file, or holds none.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._stamp, self._known = self._read()

    @staticmethod
    def make(path: str | Path, days: float = DAYS) -> str:
        """Write a file of one new token that only its owner may read; return the token."""
        token = secrets.token_urlsafe(32)
        text = json.dumps([asdict(Token.of(token, days))], indent=1) + "\n"

        def write(part: Path) -> None:
            part.touch(0o600)
            part.write_text(text, encoding="utf-8")

        write_whole(Path(path), write)
        return token

    def check(self, token: str) -> None:
        """Return if the token is known and has not expired.

        Raises:
            TokenError: it is not, or it has.
            OSError, ValueError: the file was removed or damaged meanwhile.
        """
        if self.path.stat().st_mtime_ns != self._stamp:
            self._stamp, self._known = self._read()
        given, found = _digest(token), None
        for each in self._known:  # all of them, so that the time tells nothing
            if hmac.compare_digest(each.sha256, given):
                found = each
        if found is None:
            raise TokenError("the bearer token is not known; ask who runs the service for one")
        if found.until <= now():
            raise TokenError(
                f"the bearer token expired at {found.expires}; ask for a new one", expired=True
            )

    def _read(self) -> tuple[int, list[Token]]:
        stamp = self.path.stat().st_mtime_ns
        known = read_json(
            self.path,
            "name a file that is not there, and one is made",
            _tokens,
            fault="no file of tokens",
            holds=list,
        )
        if not known:
            raise ValueError(f"{self.path} holds no token; remove it, and one is made")
        return stamp, known


def _tokens(found: list[Any]) -> list[Token]:
    """Return the tokens of a file's list.

    Raises:
        TypeError, ValueError: one of them is none.
    """
    known = [Token(**each) for each in found]
    for each in known:
        _ = each.until, bytes.fromhex(each.sha256)
    return known


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
