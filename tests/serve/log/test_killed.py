"""SIGKILL while decisions are written: each that was acknowledged is there afterwards."""

import subprocess
import sys

import pytest

from hardsight.serve.log import InspectionLog

WRITER = """
import sys
from hardsight.serve.decision import Decision
from hardsight.serve.log import InspectionLog

with InspectionLog(sys.argv[1]) as log:
    i = 0
    while True:
        batch = [
            Decision(f"{i + j}", "0" * 64, 1.0, 0.5, False, 2.0, "parts", "abc") for j in range(7)
        ]
        log.append(batch)
        i += len(batch)
        for each in batch:
            print(each.id, flush=True)
"""


@pytest.mark.parametrize("after", [1, 150])
def test_every_acknowledged_decision_outlasts_a_kill(tmp_path, after):
    path = tmp_path / "log.db"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    acknowledged = [writer.stdout.readline().strip() for _ in range(after)]
    writer.kill()
    rest = writer.stdout.read().split("\n")[:-1]  # the last line may be cut
    writer.wait()
    acknowledged += rest
    with InspectionLog(path) as log:
        found = [each.decision for each in log.each()]
    assert set(acknowledged) <= {each.id for each in found}
    assert [each.source for each in found] == [str(i) for i in range(len(found))]
    assert len(found) % 7 == 0, "a batch is there whole or not at all"
