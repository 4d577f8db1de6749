"""MQTT against a real broker on loopback: mosquitto where it is installed, else amqtt."""

import json
import shutil
import subprocess
import threading

import pytest
from loopback import Loop, decision, free_port, until

from hardsight.connections import connect

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


class Subscriber:
    """Collects what is published."""

    def __init__(self, port):
        self.found, self._ready = [], threading.Event()
        version = paho.CallbackAPIVersion.VERSION2  # the broker keeps what comes while it is away
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
    sink = connect(f"mqtt://127.0.0.1:{broker.port}/plant", tmp_path)  # before there is a broker
    made = [decision(label=bool(i % 2)) for i in range(6)]
    sink.send(made[:2])
    broker.start()
    subscriber = Subscriber(broker.port)
    subscriber.ready()
    sink.send(made[2:4])
    until(lambda: not len(sink.outbox), 20)
    broker.stop()
    sink.send(made[4:])
    assert len(sink.outbox) == 2
    broker.start()
    subscriber.ready()
    until(lambda: not len(sink.outbox), 20)
    assert sink.close() == []
    until(lambda: made[-1].id in subscriber.decisions())
    subscriber.close()
    told = list(dict.fromkeys(subscriber.decisions()))  # at least once
    assert told[-4:] == [d.id for d in made[2:]]
    until(lambda: subscriber.statuses()[-1:] == [b"offline"])
    assert b"online" in subscriber.statuses()
