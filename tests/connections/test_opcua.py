"""OPC-UA against a real server on loopback."""

import threading

import pytest
from loopback import decision, free_port, until

from hardsight.connections import connect
from hardsight.connections.interlock import ANOMALOUS, GOOD, NO_ANSWER, LinkDown, Signal
from hardsight.connections.opcua import OpcuaLink

pytest.importorskip("asyncua", reason="needs the extra opcua")
from asyncua import ua
from asyncua.sync import Server

NAMES = ("heartbeat", "verdict", "sequence", "p_value")
PREFIX = "ns=2;s=Line."


class Controller:
    """An OPC-UA server with the four variables."""

    def __init__(self, port):
        self.url = f"opc.tcp://127.0.0.1:{port}/plant"

    def start(self):
        self.server = Server()
        self.server.set_endpoint(self.url)
        self.server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        space = self.server.register_namespace("plant")
        objects = self.server.nodes.objects
        self.nodes = {
            name: objects.add_variable(f"ns={space};s=Line.{name}", name, 0, ua.VariantType.UInt16)
            for name in NAMES
        }
        for node in self.nodes.values():
            node.set_writable()
        self.server.start()

    def stop(self):
        self.server.stop()

    def __getitem__(self, name):
        return self.nodes[name].read_value()


@pytest.fixture(scope="module")
def controller():
    found = Controller(free_port())
    found.start()
    yield found
    found.stop()


def test_verdicts_reach_the_variables_and_go_with_the_detector(controller, tmp_path):
    sink = connect(f"{controller.url}?node={PREFIX}&beat=0.1&hold=1", tmp_path)
    until(lambda: controller["heartbeat"] > 0)
    assert controller["verdict"] == NO_ANSWER
    sink.send([decision()])
    until(lambda: controller["verdict"] == GOOD)
    assert controller["p_value"] == 2500
    sink.send([decision(label=True)])
    until(lambda: controller["verdict"] == ANOMALOUS)
    assert controller["sequence"] == 2
    before = controller["heartbeat"]
    until(lambda: controller["verdict"] == NO_ANSWER)  # the detector stalls
    assert controller["heartbeat"] > before
    controller.stop()
    controller.start()
    sink.send([decision()])
    until(lambda: controller["sequence"] == 3, 20)
    sink.close()
    assert controller["verdict"] == NO_ANSWER


def test_refusals_and_no_answer_are_told(controller):
    link = OpcuaLink(controller.url, "ns=2;s=Elsewhere.")
    link.open()
    with pytest.raises(LinkDown, match="Bad"):
        link.write(Signal(1, GOOD, 1, 1))
    link.close()
    with pytest.raises(LinkDown, match="no connection"):
        OpcuaLink(f"opc.tcp://127.0.0.1:{free_port()}/", PREFIX, timeout=0.5).open()


@pytest.mark.parametrize("node", ["Line.", "ns=x;s=Line.", "i=7"])
def test_what_begins_no_identifier_is_refused_before_anything_is_opened(node, tmp_path):
    with pytest.raises(ValueError, match=f"node={node!r} is not how identifiers .* begin"):
        connect(f"opc.tcp://127.0.0.1:{free_port()}/?node={node}", tmp_path)


def test_an_answer_that_asyncua_does_not_foresee_leaves_no_thread(controller, monkeypatch):
    link, before = OpcuaLink(controller.url, PREFIX), threading.active_count()
    monkeypatch.setattr("asyncua.sync.Client.connect", lambda _: {}["no such service"])
    with pytest.raises(LinkDown, match="no such service"):
        link.open()
    assert threading.active_count() == before
