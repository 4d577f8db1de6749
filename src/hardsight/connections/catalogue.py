"""Connections by their addresses."""

import hashlib
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from hardsight.connections.courier import Courier, Patience
from hardsight.connections.hot_folder import HotFolder
from hardsight.connections.interlock import Interlock, Timing
from hardsight.connections.modbus import ModbusLink
from hardsight.connections.mqtt import PASSWORD, Broker, Mqtt
from hardsight.connections.opcua import OpcuaLink
from hardsight.connections.outbox import Outbox
from hardsight.connections.sink import Sink
from hardsight.connections.webhook import SECRET, Webhook

DAY = 86_400.0
"""Seconds after which a web request that nobody took becomes a dead letter."""


class Address:
    """An address of a connection, and the folder for what must outlive a restart.

    Args:
        url: as it was given.
        state: the folder.

    Raises:
        ValueError: it is none, or holds a password.
    """

    def __init__(self, url: str, state: Path) -> None:
        self.url, self.state = url, state
        try:
            self.parts: SplitResult = urlsplit(url)
            self.port = self.parts.port
        except ValueError as error:
            raise ValueError(f"{url!r} is no address ({error})") from error
        if self.parts.password is not None:
            broker = self.parts.scheme.startswith("mqtt")
            way = f"set {PASSWORD} in place of it" if broker else "leave it out"
            raise ValueError(
                f"{self.parts.scheme}://...@{self.parts.hostname} holds a password, which others "
                f"would see among the processes; {way}"
            )
        if self.parts.fragment:
            raise ValueError(f"{url!r}: a # would cut it short; write %23 in place of it")
        self._options = dict(parse_qsl(self.parts.query, keep_blank_values=True))

    @property
    def host(self) -> str:
        """The host.

        Raises:
            ValueError: there is none.
        """
        if not self.parts.hostname:
            raise ValueError(f"{self.url!r} names no host; write {self.parts.scheme}://HOST")
        return self.parts.hostname

    def demand_no_user(self) -> None:
        """Refuse a user where nobody is logged in.

        Raises:
            ValueError: there is one.
        """
        if self.parts.username is not None:
            raise ValueError(
                f"{self.url!r}: {self.parts.scheme} logs nobody in; leave out "
                f"{self.parts.username}@"
            )

    def options(self, *known: str) -> dict[str, str]:
        """Return what stands after the question mark.

        Raises:
            ValueError: an option that is not known.
        """
        if unknown := self._options.keys() - set(known):
            names = ", ".join(known) or "none"
            raise ValueError(f"{self.url!r}: no option {min(unknown)!r}; there are {names}")
        return self._options

    def outbox(self) -> Outbox:
        """Open the outbox of this address."""
        digest = hashlib.sha256(self.url.encode()).hexdigest()[:8]
        host = re.sub(r"[^\w.-]", "-", self.parts.hostname or "")  # of IPv6 it has colons
        name = f"{self.parts.scheme}-{host}-{digest}.sqlite"
        return Outbox(self.state / name)


def _mqtt(address: Address) -> Sink:
    address.options()
    tls = address.parts.scheme == "mqtts"
    broker = Broker(
        address.host,
        address.port or (8883 if tls else 1883),
        unquote(address.parts.path.strip("/")) or "hardsight",
        tls,
        unquote(address.parts.username or "") or None,
        os.environ.get(PASSWORD),
    )
    client = Mqtt(broker)
    return Courier(address.url, address.outbox(), client, closed=client.close)


def _webhook(address: Address) -> Sink:
    assert address.host
    address.demand_no_user()
    hook = Webhook(address.url, os.environ.get(SECRET, ""))
    return Courier(address.url, address.outbox(), hook, Patience(give_up=DAY))


def _modbus(address: Address) -> Sink:
    address.demand_no_user()
    options = address.options("unit", "beat", "hold")
    register = address.parts.path.strip("/") or "0"
    unit = options.get("unit", "1")
    link = ModbusLink(
        address.host,
        address.port or 502,
        _whole(address, "the register", register, 65532),
        _whole(address, "unit", unit, 255),
    )
    return Interlock(address.url, link, _timing(address, options))


def _opcua(address: Address) -> Sink:
    options = address.options("node", "beat", "hold")
    if "node" not in options:
        raise ValueError(
            f"{address.url!r} names no variables; add what stands before their names, as "
            "?node=ns=2;s=Line.Hardsight."
        )
    server = address.parts._replace(query="").geturl()
    return Interlock(address.url, OpcuaLink(server, options["node"]), _timing(address, options))


def _folder(address: Address) -> Sink:
    address.options()
    return HotFolder(_path(address.parts))


def _path(parts: SplitResult) -> Path:
    return Path(unquote(parts.netloc + parts.path))


def _timing(address: Address, options: dict[str, str]) -> Timing:
    given = {name: options[name] for name in ("beat", "hold") if name in options}
    return Timing(**{name: _seconds(address, name, text) for name, text in given.items()})


def _seconds(address: Address, name: str, text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"{address.url!r}: {name} must be a number of seconds, got {text!r}")
    return found


def _whole(address: Address, name: str, text: str, most: int) -> int:
    if not text.isdecimal() or int(text) > most:
        raise ValueError(f"{address.url!r}: {name} must be a number up to {most}, got {text!r}")
    return int(text)


@dataclass(frozen=True)
class Connection:
    """A kind of connection."""

    open: Callable[[Address], Sink]
    form: str
    """How its addresses are written."""


CONNECTIONS = {
    "mqtt": Connection(_mqtt, "mqtt://[USER@]HOST[:PORT][/TOPIC]"),
    "mqtts": Connection(_mqtt, "mqtts://[USER@]HOST[:PORT][/TOPIC]"),
    "http": Connection(_webhook, "http://HOST/PATH"),
    "https": Connection(_webhook, "https://HOST/PATH"),
    "modbus": Connection(_modbus, "modbus://HOST[:PORT][/REGISTER][?unit=1&beat=0.5&hold=2]"),
    "opc.tcp": Connection(_opcua, "opc.tcp://HOST:PORT/PATH?node=PREFIX[&beat=0.5&hold=2]"),
    "folder": Connection(_folder, "folder:PATH"),
}
"""Scheme of an address -> what opens it."""


def sorted_into(url: str) -> Path | None:
    """Return the folder into which a connection's address has files sorted; None: into none.

    Raises:
        ValueError: it is no address.
    """
    parts = Address(url, Path()).parts
    return _path(parts) if parts.scheme == "folder" else None


def connect(url: str, state: Path) -> Sink:
    """Open the connection of an address; the other side need not be there yet.

    Args:
        url: see ``CONNECTIONS``.
        state: folder for what must outlive a restart.

    Raises:
        ImportError: an extra is not installed.
        OSError: the state cannot be written.
        ValueError: an address of no known form.
    """
    address = Address(url, state)
    if address.parts.scheme not in CONNECTIONS:
        forms = ", ".join(sorted({c.form for c in CONNECTIONS.values()}))
        raise ValueError(f"{url!r} is no address of a connection; there are {forms}")
    return CONNECTIONS[address.parts.scheme].open(address)
