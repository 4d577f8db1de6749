"""Decisions as signed web requests."""

import hashlib
import hmac
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

from hardsight.connections.courier import Undelivered

SIGNATURE, TIMESTAMP = "X-Hardsight-Signature", "X-Hardsight-Timestamp"
SECRET = "HARDSIGHT_WEBHOOK_SECRET"
"""Environment variable: what sender and receiver know."""
SHORTEST = 16
"""Characters of a secret at least."""
RETRIED = {408, 425, 429, *range(500, 600)}
"""Status codes after which the same request may succeed."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return "sha256=" and the HMAC (RFC 2104) of timestamp, a dot and body in hexadecimal."""
    content = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def is_signed(secret: str, timestamp: str, body: bytes, given: str, max_age: float = 300.0) -> bool:
    """Tell, for a receiver, whether a request is the sender's and not an old one again.

    Args:
        secret: that both know.
        timestamp: header ``X-Hardsight-Timestamp``, in seconds.
        body: as it came.
        given: header ``X-Hardsight-Signature``.
        max_age: in seconds; compared, as the signature, in constant time.
    """
    authentic = hmac.compare_digest(signature(secret, timestamp, body).encode(), given.encode())
    return authentic and abs(time.time() - float(timestamp)) <= max_age


def _sent(url: str) -> str:
    """Return a URL with letters beyond ASCII in path and query as they are sent (RFC 3986)."""
    parts, kept = urlsplit(url), "%/?:@!$&'()*+,;=~"
    return parts._replace(path=quote(parts.path, kept), query=quote(parts.query, kept)).geturl()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it might lead a decision to somebody else."""

    def redirect_request(self, *_: Any) -> None:
        """Refuse."""


class Webhook:
    """Posts messages as JSON, each with its time and signature.

    Args:
        url: http or https, whose certificate must be valid.
        secret: that the receiver knows, at least 16 characters.
        timeout: seconds that the receiver has.

    Raises:
        ValueError: a secret that is too short.
    """

    def __init__(self, url: str, secret: str, timeout: float = 10.0) -> None:
        if len(secret) < SHORTEST:
            raise ValueError(
                f"a webhook is signed: set {SECRET} to a secret of at least {SHORTEST} characters "
                "that its receiver knows, too"
            )
        self.url, self._secret, self._timeout = _sent(url), secret, timeout
        self._opener = urllib.request.build_opener(_NoRedirect)

    def __call__(self, body: bytes) -> None:
        """Deliver a message.

        Raises:
            Undelivered: no answer, or one that is none of success.
        """
        timestamp = f"{time.time():.0f}"
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP: timestamp,
            SIGNATURE: signature(self._secret, timestamp, body),
        }
        request = urllib.request.Request(self.url, body, headers, method="POST")
        try:
            with self._opener.open(request, timeout=self._timeout):
                return
        except urllib.error.HTTPError as error:
            error.close()
            final = error.code not in RETRIED
            raise Undelivered(f"it answered {error.code} {error.reason}", final) from error
        except (OSError, HTTPException) as error:
            raise Undelivered(f"no answer ({error})") from error
