"""MQTT against a real broker on loopback: mosquitto where it is installed, else amqtt."""

import asyncio
import json
import shutil
import subprocess
import threading

import pytest
from loopback import Loop, decision, free_port, until

from hardsight.connections import connect
from hardsight.connections.courier import Undelivered
from hardsight.connections.mqtt import Broker as Endpoint
from hardsight.connections.mqtt import Mqtt

paho = pytest.importorskip("paho.mqtt.client", reason="needs the extra line")
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


class Broker:
    """A broker that can be stopped and started again at its port."""

    def __init__(self, port, loop, folder):
        self.port, self.loop, self.running = port, loop, None
        self.config = folder / "mosquitto.conf"
        self.config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n"
            f"persistence true\npersistence_location {folder}/\n"
        )

    def start(self):
        if MOSQUITTO:
            self.running = subprocess.Popen([MOSQUITTO, "-c", str(self.config)])
            return
        amqtt = pytest.importorskip("amqtt.broker", reason="needs mosquitto or amqtt")
        config = {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {}},
        }

        async def begin():
            self.running = amqtt.Broker(config)
            await self.running.start()

        self.loop.run(begin())

    def stop(self):
        if MOSQUITTO:
            self.running.terminate()
            self.running.wait(10)
        else:
            self.loop.run(self.running.shutdown())
        self.running = None


class Line:
    """A way to the broker that can be opened and cut; the broker's own port is the subscriber's.

    amqtt keeps nothing while it is away: what it is told before a subscription is renewed is lost.
    """

    def __init__(self, broker, loop):
        self.port, self.broker, self.loop, self.server = free_port(), broker, loop, None

    async def _relay(self, reader, writer):
        onward, back = await asyncio.open_connection("127.0.0.1", self.broker.port)
        await asyncio.gather(self._pump(reader, back), self._pump(onward, writer))

    async def _pump(self, reader, writer):
        try:
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass  # the other side is gone, which is told to this one
        writer.close()

    async def _open(self):
        self.server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)

    async def _cut(self):
        self.server.close()

    def open(self):
        self.loop.run(self._open())

    def cut(self):
        self.loop.run(self._cut())


class Subscriber:
    """Collects what is published."""

    def __init__(self, port):
        self.found, self._ready = [], threading.Event()
        version = paho.CallbackAPIVersion.VERSION2
        self.client = paho.Client(version, client_id="subscriber", clean_session=False)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda c, *_: c.subscribe("plant/#", qos=1)
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_message = lambda c, d, m: self.found.append((m.topic, m.payload))
        self.client.connect_async("127.0.0.1", port)
        self.client.loop_start()

    def ready(self):
        assert self._ready.wait(15)
        self._ready.clear()

    def decisions(self):
        return [json.loads(p)["id"] for topic, p in self.found if topic == "plant/decisions"]

    def statuses(self):
        return [p for topic, p in self.found if topic == "plant/status"]

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path):
    with Loop() as loop:
        found = Broker(free_port(), loop, tmp_path)
        yield found
        if found.running:
            found.stop()


def test_decisions_arrive_over_a_broker_that_goes_and_comes_back(broker, tmp_path):
    line = Line(broker, broker.loop)
    sink = connect(f"mqtt://127.0.0.1:{line.port}/plant", tmp_path)  # before there is a broker
    made = [decision(label=bool(i % 2)) for i in range(6)]
    sink.send(made[:2])
    broker.start()
    subscriber = Subscriber(broker.port)
    subscriber.ready()
    line.open()
    sink.send(made[2:4])
    until(lambda: not len(sink.outbox), 20)
    until(lambda: made[3].id in subscriber.decisions())
    line.cut()
    broker.stop()
    sink.send(made[4:])
    assert len(sink.outbox) == 2
    broker.start()
    subscriber.ready()
    line.open()
    until(lambda: not len(sink.outbox), 20)
    assert sink.close() == []
    until(lambda: made[-1].id in subscriber.decisions())
    until(lambda: subscriber.statuses()[-1:] == [b"offline"])
    subscriber.close()
    told = list(dict.fromkeys(subscriber.decisions()))  # at least once
    assert told == [d.id for d in made]
    assert b"online" in subscriber.statuses()


def test_a_broker_that_refuses_the_login_is_not_called_away():
    refusal = bytes((0x20, 2, 0, 5))  # CONNACK of MQTT 3.1.1: not authorised

    async def refuse(reader, writer):
        await reader.read(4096)
        writer.write(refusal)
        await writer.drain()
        writer.close()

    def said(client):
        with pytest.raises(Undelivered) as refused:
            client(b"{}")
        return str(refused.value)

    with Loop() as loop:
        server = loop.run(asyncio.start_server(refuse, "127.0.0.1", port := free_port()))
        client = Mqtt(Endpoint("127.0.0.1", port, user="line", password="wrong", timeout=0.1))
        until(lambda: "refuses the connection: Not authorized" in said(client))
        client.close()
        loop.run(asyncio.to_thread(server.close))
