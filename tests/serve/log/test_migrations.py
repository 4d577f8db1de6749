"""Logs of earlier and of later versions of hardsight."""

import pytest
from alembic import command
from alembic.config import Config
from records import decisions
from sqlalchemy import create_engine, text

from hardsight.serve.log import InspectionLog, LogError
from hardsight.serve.log.database import MIGRATIONS, address

FIRST = (
    "INSERT INTO decisions (id, time, source, image, score, p_value, label, threshold, model, "
    "model_hash, threshold_version, map_maximum) VALUES ('a', '2026-03-01 12:00:00', 'cam', 'f', "
    "3.0, 0.01, true, 2.0, 'parts', 'abc', 0, 4.0)"
)


def test_a_log_of_the_first_version_is_read_and_written_on(log_url):
    engine = create_engine(address(log_url))
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text(FIRST))
    engine.dispose()
    row = decisions(1)[0]
    with InspectionLog(log_url) as log:
        log.append([row])
        old, new = [each.decision for each in log.read()]
    assert (old.source, old.score, old.outcome) == ("cam", 3.0, "anomalous")
    assert (old.verdict, old.brightness) == (None, None)
    assert new == row


def test_a_log_of_a_later_version_is_left_alone(tmp_path):
    path = tmp_path / "log.db"
    with InspectionLog(path) as log, log.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LogError, match="written by another hardsight"):
        InspectionLog(path)
