"""What every request passes first: how many, from where, with which token, how large, how slow."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hardsight.serve.api.problems import Problem, again_after
from hardsight.serve.limits import Limits
from hardsight.serve.measures import Measures
from hardsight.serve.tokens import TokenError, Tokens

_log = logging.getLogger("hardsight.serve.access")
PROTECTED = ("/v1/", "/v2/models", "/metrics", "/docs", "/openapi.json")
LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass
class _Body:
    """What has arrived of a request's body."""

    read: int = 0
    """Bytes."""
    whole: bool = False


class Guard:
    """Refuses before anything is read, counts, and writes a line to the log of each request.

    Without a token the service is for this machine alone: a page of the web that a browser here
    shows must not reach it either, by a name that leads to 127.0.0.1 (DNS rebinding) or by a form
    (cross-site request).

    Args:
        app: what is guarded.
        limits: of requests at a time, their bodies and their time.
        measures: what counts.
        tokens: what opens the interface; None: nothing is needed.
        hosts: names under which it may be called where there are no tokens.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        measures: Measures,
        tokens: Tokens | None = None,
        hosts: Sequence[str] = LOCAL,
    ) -> None:
        self.app, self.limits, self.measures = app, limits, measures
        self.tokens, self.hosts = tokens, hosts
        self._running = self._held = 0
        """Requests, and the bytes of their bodies."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status, body = time.perf_counter(), 500, _Body()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._running += 1
        try:
            self._admit(scope)
            await self.app(scope, self._measured(receive, body), watched)
        except Problem as problem:
            await problem.send(scope, receive, watched)
        finally:
            self._running -= 1
            self._held -= body.read
            self._tell(scope, status, time.perf_counter() - begun)

    def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if self._running > self.limits.requests:
            raise Problem(429, f"{self.limits.requests} requests run already", again_after(1))
        self._check_origin(headers)
        if scope["path"].startswith(PROTECTED):
            self._check_token(headers)
        length = headers.get("content-length", "0")
        if not length.isdigit():
            raise Problem(400, f"Content-Length {length!r} is no number")
        self._check_length(int(length))
        self._check_room(int(length))

    def _check_origin(self, headers: Headers) -> None:
        host = headers.get("host", "")
        name = _split(f"//{host}", "Host").hostname or ""
        if self.tokens is None and name not in self.hosts:
            raise Problem(403, f"called as {name!r}: without a token it answers to {self.hosts}")
        origin = headers.get("origin")
        if origin is not None and _split(origin, "Origin").netloc != host:
            raise Problem(403, f"a page of {origin} may not use this service")

    def _check_token(self, headers: Headers) -> None:
        if self.tokens is None:
            return
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Problem(
                401, "send the header Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"}
            )
        try:
            self.tokens.check(token.strip())
        except TokenError as error:
            state = "expired" if error.expired else "unknown"
            told = f'Bearer error="invalid_token", error_description="{state}"'
            raise Problem(401, str(error), {"WWW-Authenticate": told}) from error
        except (OSError, ValueError) as error:
            _log.error("no request is let in: %s", error)
            raise Problem(503, "no token can be checked; the service's log says why") from error

    def _check_length(self, length: int) -> None:
        if length > self.limits.body:
            most = f"{self.limits.body:,} are taken: send fewer images"
            raise Problem(413, f"a body of {length:,} bytes; {most}")

    def _check_room(self, length: int) -> None:
        if self._held + length > self.limits.bodies:
            raise Problem(429, f"bodies of {self._held:,} bytes are held already", again_after(1))

    def _measured(self, receive: Receive, body: _Body) -> Receive:
        """Return a receiver that ends a body which is too long, or takes too long to arrive."""
        until = time.monotonic() + self.limits.seconds

        async def measured() -> Message:
            if body.whole:
                return await receive()
            try:
                left = max(0.0, until - time.monotonic())
                message = await asyncio.wait_for(receive(), left)
            except TimeoutError as error:
                late = f"the body did not arrive within {self.limits.seconds:g} s"
                raise Problem(408, late, {"Connection": "close"}) from error
            arrived = len(message.get("body", b""))
            body.whole = not message.get("more_body", False)
            self._check_length(body.read + arrived)
            self._check_room(arrived)
            body.read += arrived
            self._held += arrived
            return message

        return measured

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        self.measures.requests.labels(route, str(status)).inc()
        self.measures.seconds.labels(route).observe(seconds)
        client = scope.get("client") or ("-", 0)
        facts = {
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "ms": round(1000 * seconds, 1),
            "client": client[0],
        }
        _log.info("request", extra={"facts": facts})


def _split(url: str, header: str) -> SplitResult:
    """Return the parts of the address that a header holds.

    Raises:
        Problem: it is none.
    """
    try:
        return urlsplit(url)
    except ValueError as error:
        raise Problem(400, f"the header {header} holds no address ({error})") from error
