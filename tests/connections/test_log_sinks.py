"""Connections hear of what the inspection log has on disk."""

import json
import logging

import pytest
from loopback import decision, until

from hardsight.connections import listener
from hardsight.connections.courier import Courier
from hardsight.connections.outbox import Outbox

pytest.importorskip("sqlalchemy", reason="needs the extra serve")
from hardsight.serve.log import InspectionLog


def test_a_sink_hears_of_decisions_that_are_on_disk(tmp_path):
    log, told = InspectionLog(tmp_path / "log.db"), []

    def deliver(body):
        message = json.loads(body)
        told.append((message["id"], message["id"] in [row.decision.id for row in log.read()]))

    sink = Courier("receiver", Outbox(tmp_path / "a.sqlite"), deliver)
    log.listen(listener(sink))
    made = [decision(), decision(label=True)]
    log.append(made)
    until(lambda: len(told) == 2)
    assert sink.close() == []
    assert told == [(one.id, True) for one in made]


def test_a_sink_that_cannot_keep_a_decision_holds_nothing_up(tmp_path, caplog):
    log, outbox = InspectionLog(tmp_path / "log.db"), Outbox(tmp_path / "a.sqlite")
    sink = Courier("receiver", outbox, lambda body: None)
    log.listen(listener(sink))
    outbox._base.execute("PRAGMA max_page_count = 1")
    made = [decision(source="x" * 5000) for _ in range(3)]
    with caplog.at_level(logging.ERROR):
        log.append(made)
    assert [row.decision.id for row in log.read()] == [one.id for one in made]
    assert "3 decisions are in the inspection log alone" in caplog.text
    sink.close()
