"""Verdicts in the variables of an OPC-UA server, by asyncua."""

import concurrent.futures
from contextlib import suppress
from typing import Any

from hardsight.connections.interlock import LinkDown, Signal
from hardsight.core.extras import needed

OPCUA = "'hardsight[opcua]'"
"""What to install."""
NAMES = ("heartbeat", "p_value", "verdict", "sequence")
"""The variables, in the order in which they are written."""


class OpcuaLink:
    """Writes the words of a ``Signal`` to four variables of UInt16, in one request.

    The sequence comes last: who waits for it to change finds the verdict there.

    Args:
        url: of the server, opc.tcp://HOST:PORT/PATH; without a security policy.
        node: what the identifiers of the variables have before their names, as
            "ns=2;s=Line.Hardsight.": then "ns=2;s=Line.Hardsight.heartbeat" and so on.
        timeout: seconds that it has to answer.

    Raises:
        ImportError: the extra ``opcua`` is not installed.
        ValueError: no identifier begins so.
    """

    def __init__(self, url: str, node: str, timeout: float = 2.0) -> None:
        self._sync = needed("asyncua.sync", OPCUA, "OPC-UA")
        self._ua = needed("asyncua.ua", OPCUA, "OPC-UA")
        self.url, self.timeout = url, timeout
        try:
            self._ids = [self._ua.NodeId.from_string(f"{node}{name}") for name in NAMES]
        except self._ua.UaError as error:
            raise ValueError(
                f"node={node!r} is not how identifiers of variables begin; write it as "
                "ns=2;s=Line.Hardsight."
            ) from error
        self._client: Any = None
        self._loop: Any = None
        self._down = (self._ua.UaError, OSError, TimeoutError, concurrent.futures.CancelledError)

    def open(self) -> None:
        """Connect.

        Raises:
            LinkDown: it cannot be reached.
        """
        self._loop = self._sync.ThreadLoop(2 * self.timeout)
        self._loop.daemon = True
        self._loop.start()
        try:
            self._client = self._sync.Client(self.url, self.timeout, self._loop)
            self._client.connect()
        except Exception as error:  # whatever asyncua makes of who answers there
            self._loop.stop()
            raise LinkDown(f"no connection to {self.url} ({error or 'no answer'})") from error
        self._nodes = [self._client.get_node(one) for one in self._ids]

    def write(self, signal: Signal) -> None:
        """Write the variables.

        Raises:
            LinkDown: no answer, or a refusal.
        """
        kind = self._ua.VariantType.UInt16
        values = [
            self._ua.DataValue(self._ua.Variant(getattr(signal, name), kind)) for name in NAMES
        ]
        try:
            self._client.write_values(self._nodes, values)
        except self._down as error:
            raise LinkDown(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Disconnect; from a server that is gone, too."""
        with suppress(*self._down):
            self._client.disconnect()
        self._loop.stop()
