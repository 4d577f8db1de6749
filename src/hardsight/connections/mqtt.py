"""Decisions to an MQTT broker, by paho."""

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hardsight.connections.courier import Undelivered
from hardsight.core.extras import needed

LINE = "'hardsight[line]'"
"""What to install."""
PASSWORD = "HARDSIGHT_MQTT_PASSWORD"
"""Environment variable: the user's password."""


@dataclass(frozen=True)
class Broker:
    """Where a broker is, and what is published there.

    Raises:
        ValueError: a topic with a wildcard.
    """

    host: str
    port: int = 1883
    topic: str = "hardsight"
    """Decisions go to ``topic/decisions``; ``topic/status`` holds "online", or "offline" once the
    connection is lost, which the broker says by itself."""
    tls: bool = False
    user: str | None = None
    password: str | None = None
    timeout: float = 5.0
    """Seconds that the broker has to acknowledge."""

    def __post_init__(self) -> None:
        if "+" in self.topic or "#" in self.topic:
            raise ValueError(
                f"topic={self.topic!r} has a wildcard, + or #, to which nothing can be published; "
                "name one topic"
            )


class Mqtt:
    """Publishes messages so that each arrives at least once (quality of service 1).

    Reconnects by itself, and may begin before there is a broker.

    Args:
        broker: see ``Broker``.

    Raises:
        ImportError: the extra ``line`` is not installed.
    """

    def __init__(self, broker: Broker) -> None:
        paho = needed("paho.mqtt.client", LINE, "MQTT")
        self.broker = broker
        self._sent: tuple[bytes, Any] | None = None
        self._refusal = ""
        """Why the broker last refused a connection; empty: it did not."""
        self._connected = threading.Event()
        self._client = client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            client.tls_set()
        client.will_set(f"{broker.topic}/status", "offline", qos=1, retain=True)
        client.reconnect_delay_set(1, 30)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = lambda *_: self._connected.clear()
        client.connect_async(broker.host, broker.port)
        client.loop_start()

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, *_: Any) -> None:
        self._refusal = str(reason) if reason.is_failure else ""
        if not reason.is_failure:
            client.publish(f"{self.broker.topic}/status", "online", qos=1, retain=True)
            self._connected.set()

    def _on_connect_fail(self, *_: Any) -> None:
        self._refusal = ""  # nobody is there any more to refuse

    def __call__(self, body: bytes) -> None:
        """Deliver a message.

        Raises:
            Undelivered: there is no connection, or no acknowledgement.
        """
        if self._sent is None or self._sent[0] != body:  # paho repeats what it has taken
            if not self._connected.wait(self.broker.timeout):
                where = f"{self.broker.host}:{self.broker.port}"
                if self._refusal:
                    raise Undelivered(f"{where} refuses the connection: {self._refusal}")
                raise Undelivered(f"no connection to {where}")
            self._sent = body, self._client.publish(f"{self.broker.topic}/decisions", body, qos=1)
        info = self._sent[1]
        try:
            info.wait_for_publish(self.broker.timeout)
            published = info.is_published()
        except (RuntimeError, ValueError) as error:  # the connection was lost before it was sent
            self._sent = None
            raise Undelivered(f"the broker cannot be reached ({error})") from error
        if not published:
            raise Undelivered("the broker did not acknowledge")
        self._sent = None

    def close(self) -> None:
        """Say "offline", and disconnect."""
        if self._connected.is_set():
            topic = f"{self.broker.topic}/status"
            said = self._client.publish(topic, "offline", qos=1, retain=True)
            with suppress(RuntimeError, ValueError):  # the connection was lost meanwhile
                said.wait_for_publish(1.0)
        self._client.disconnect()
        self._client.loop_stop()
