"""Modbus-TCP against a real server on loopback."""

import pytest
from loopback import Loop, decision, free_port, until

from hardsight.connections import connect
from hardsight.connections.interlock import ANOMALOUS, GOOD, NO_ANSWER, LinkDown, Signal
from hardsight.connections.modbus import ModbusLink

pytest.importorskip("pymodbus", reason="needs the extra line")
from pymodbus.client import ModbusTcpClient
from pymodbus.datastore import (
    ModbusDeviceContext,
    ModbusSequentialDataBlock,
    ModbusServerContext,
)
from pymodbus.server import ModbusTcpServer

FIRST = 40


class Controller:
    """A Modbus server, and what its holding registers say, read over the wire."""

    def __init__(self, loop, port):
        self.loop, self.port = loop, port
        self.client = ModbusTcpClient("127.0.0.1", port=port, timeout=10)

    def start(self):
        async def begin():
            block = ModbusSequentialDataBlock(1, [0] * 60)
            context = ModbusServerContext(ModbusDeviceContext(hr=block), single=True)
            self.server = ModbusTcpServer(context, address=("127.0.0.1", self.port))
            await self.server.serve_forever(background=True)

        self.loop.run(begin())

    def stop(self):
        self.client.close()
        self.loop.run(self.server.shutdown())

    def signal(self):
        self.client.connect()
        return Signal(*self.client.read_holding_registers(FIRST, count=4).registers)


@pytest.fixture
def controller():
    with Loop() as loop:
        found = Controller(loop, free_port())
        found.start()
        yield found
        found.stop()


def test_verdicts_reach_the_registers_and_go_with_the_detector(controller, tmp_path):
    url = f"modbus://127.0.0.1:{controller.port}/{FIRST}?beat=0.05&hold=0.4"
    assert controller.signal() == Signal(0, NO_ANSWER, 0, 0)
    sink = connect(url, tmp_path)
    sink.send([decision()])
    until(lambda: controller.signal().verdict == GOOD)
    assert controller.signal()[2:] == (1, 2500)
    sink.send([decision(label=True)])
    until(lambda: controller.signal().verdict == ANOMALOUS)
    before = controller.signal().heartbeat
    until(lambda: controller.signal().verdict == NO_ANSWER)  # the detector stalls
    assert controller.signal().heartbeat > before
    controller.stop()
    controller.start()  # forgets its registers, as after a power cut
    sink.send([decision()])
    until(lambda: controller.signal().verdict == GOOD)
    assert controller.signal().sequence == 3
    sink.close()
    assert controller.signal().verdict == NO_ANSWER
    still = controller.signal()
    assert controller.signal() == still


def test_a_refusal_and_no_answer_are_told(controller):
    link = ModbusLink("127.0.0.1", controller.port, address=58)
    link.open()
    with pytest.raises(LinkDown, match="it refused registers 58 to 61"):
        link.write(Signal(1, GOOD, 1, 1))
    link.close()
    with pytest.raises(LinkDown, match="no connection"):
        ModbusLink("127.0.0.1", free_port(), timeout=0.2).open()
