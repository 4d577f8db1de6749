"""The log: what is appended is there, in order, for good."""

import shutil
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from records import NOON, decisions
from sqlalchemy.exc import DBAPIError

from hardsight.serve.decision import Feedback
from hardsight.serve.log import InspectionLog, LogError, Query, UnknownDecisionError
from hardsight.serve.log.tables import METADATA


@pytest.fixture
def log(log_url):
    with InspectionLog(log_url) as found:
        yield found


def test_what_was_appended_is_read_again_in_order(log):
    rows = decisions(7)
    log.append(rows[:3])
    log.append(rows[3:])
    found = log.read()
    assert [each.decision for each in found] == rows
    assert [each.number for each in found] == sorted({each.number for each in found})
    assert log.decision(rows[4].id) == rows[4]
    with pytest.raises(UnknownDecisionError, match="nobody"):
        log.decision("nobody")


QUERIES = (
    (Query(label=True), lambda i: i % 3 == 0),
    (Query(label=False), lambda i: i % 3 != 0),
    (Query(source="camera-1"), lambda i: i % 2),
    (Query(source="camera-_"), lambda i: False),
    (Query(model="other"), lambda i: False),
    (Query(model="parts", model_hash="abc"), lambda i: True),
    (Query(since=NOON + timedelta(seconds=3)), lambda i: i >= 3),
    (Query(until=NOON + timedelta(seconds=3), label=True), lambda i: i == 0),
    (Query(judged=True), lambda i: i in (1, 4)),
    (Query(judged=False, newest_first=True), lambda i: i not in (1, 4)),
)


def test_a_query_means_what_meets_every_condition(log):
    rows = decisions(9)
    log.append(rows)
    for i in (1, 4):
        log.judge(Feedback(rows[i].id, anomalous=True))
    for query, chosen in QUERIES:
        expected = [row for i, row in enumerate(rows) if chosen(i)]
        expected = expected[::-1] if query.newest_first else expected
        assert [each.decision for each in log.read(query)] == expected, query
        assert log.count(query) == len(expected)


def test_pages_follow_each_other_without_gap_or_repetition(log, monkeypatch):
    monkeypatch.setattr("hardsight.serve.log.inspection.LARGEST_PAGE", 4)
    rows = decisions(11)
    log.append(rows)
    assert [each.decision for each in log.each()] == rows
    assert [each.decision for each in log.each(Query(newest_first=True))] == rows[::-1]
    first = log.read(Query(limit=4))
    assert [e.decision for e in log.read(Query(after=first[-1].number))] == rows[4:]


def test_feedback_is_a_row_of_its_own_and_the_decision_stays(log):
    rows = decisions(3)
    log.append(rows)
    said = [Feedback(rows[1].id, True, "scratch", "Ada"), Feedback(rows[1].id, False, "dust")]
    for each in said:
        log.judge(each)
    assert log.feedback(row.id for row in rows) == {rows[1].id: tuple(said)}
    assert log.decision(rows[1].id) == rows[1]
    with pytest.raises(UnknownDecisionError):
        log.judge(Feedback("nobody", True))


def test_text_with_nul_is_written_and_asked_for_in_any_database(log):
    rows = decisions(2, source="a\0b")
    log.append(rows)
    log.judge(Feedback(rows[0].id, anomalous=True, note="\0", author="A\0"))
    assert {each.decision.source for each in log.read(Query(source="a\0"))} == {"a\ufffdb"}
    assert log.feedback([rows[0].id])[rows[0].id][0].author == "A\ufffd"
    assert log.count(Query(model="\0")) == 0
    with pytest.raises(UnknownDecisionError):
        log.decision("\0")


def test_rows_cannot_be_changed_or_deleted(log):
    row = decisions(1)[0]
    log.append([row])
    log.judge(Feedback(row.id, True))
    with log.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO thresholds (time, model, model_hash, version, calibration, note) "
            "VALUES ('2026-03-01 12:00:00', 'parts', 'abc', 1, '{}', '')"
        )
    for table in ("decisions", "feedback", "thresholds"):
        for change in (f"UPDATE {table} SET number = 9", f"DELETE FROM {table}"):
            with pytest.raises(DBAPIError, match="append-only"), log.engine.begin() as connection:
                connection.exec_driver_sql(change)
    assert log.read()[0].decision == row


def test_a_batch_is_written_whole_or_not_at_all(log):
    rows = decisions(3)
    log.append(rows[:1])
    with pytest.raises(LogError):
        log.append([rows[1], replace(rows[2], id=rows[0].id)])
    assert [each.decision for each in log.read()] == rows[:1]


def test_listeners_hear_what_is_on_disk_and_nothing_else(log):
    rows, heard = decisions(4), []
    end = log.listen(lambda batch: heard.append((list(batch), log.count())))
    log.append(rows[:2])
    with pytest.raises(LogError):
        log.append([rows[0]])
    end()
    log.append(rows[2:])
    assert heard == [(rows[:2], 2)]


def test_threads_and_other_processes_write_one_order(log, log_url):
    batches = [decisions(5, source=f"{i}") for i in range(8)]
    with InspectionLog(log_url) as other:
        threads = [
            threading.Thread(target=(log, other)[i % 2].append, args=(batch,))
            for i, batch in enumerate(batches)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = [each.decision.source for each in log.read()]
    assert len(found) == 40
    assert all(len(set(found[i : i + 5])) == 1 for i in range(0, 40, 5))


def test_the_tables_are_those_of_the_migrations(log):
    def columns(thing, name, kind, reflected, beside):
        return kind in ("table", "column") and name != "alembic_version"

    with log.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": columns})
        assert compare_metadata(context, METADATA) == []


def test_sqlite_waits_for_the_disk(tmp_path):
    with InspectionLog(tmp_path / "log.db") as log, log.engine.connect() as connection:
        settings = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous")
        ]
    assert settings == ["wal", 2]


def test_postgresql_waits_for_the_disk(postgres_log):
    with InspectionLog(postgres_log) as log, log.engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_a_server_that_dropped_its_connections_is_reached_again(postgres_log):
    rows = decisions(4)
    with InspectionLog(postgres_log) as log, InspectionLog(postgres_log) as other:
        log.append(rows[:2])
        with other.engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        log.append(rows[2:])
        assert [each.decision for each in log.read()] == rows


def test_a_copy_of_the_files_at_any_moment_holds_what_was_acknowledged(tmp_path):
    """What a power cut leaves: the database and its WAL, whose end may be torn."""
    rows = decisions(6)
    with InspectionLog(tmp_path / "log.db") as log:
        for i, row in enumerate(rows):
            log.append([row])
            copy = tmp_path / f"copy{i}"
            copy.mkdir()
            for name in ("log.db", "log.db-wal"):
                shutil.copy(tmp_path / name, copy / name)
            with (copy / "log.db-wal").open("ab") as torn:
                torn.write(b"\x37\x7f" * 700)
    for i in range(len(rows)):
        with InspectionLog(tmp_path / f"copy{i}" / "log.db") as found:
            assert [each.decision for each in found.read()] == rows[: i + 1]


def append_all(log, batches):
    for batch in batches:
        log.append(batch)


def test_a_full_disk_is_named_and_nothing_is_taken_as_written(tmp_path):
    with InspectionLog(tmp_path / "log.db") as log:
        log.append(decisions(1))
        with log.engine.begin() as connection:  # the one connection of the pool
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 8}")
        batches = [decisions(20) for _ in range(50)]
        with pytest.raises(LogError, match="free space") as caught:
            append_all(log, batches)
        assert caught.value.full
        known = [each.decision for each in log.read(Query(limit=1000))]
        assert known[1:] == [row for batch in batches for row in batch][: len(known) - 1]
        assert 0 < len(known[1:]) < 1000
        assert len(known[1:]) % 20 == 0


@pytest.mark.parametrize(
    ("url", "message"),
    [("mysql://host/name", "must be a file for SQLite"), ("://", "no URL")],
)
def test_another_database_is_refused(url, message):
    with pytest.raises(ValueError, match=message):
        InspectionLog(url)


def test_a_server_that_is_not_there_is_named_without_its_password():
    with pytest.raises(LogError, match=r"127\.0\.0\.1:9/") as caught:
        InspectionLog("postgresql://line:secret@127.0.0.1:9/parts")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_page_has_a_bounded_length(limit):
    with pytest.raises(ValueError, match=f"limit={limit}"):
        Query(limit=limit)


def test_a_time_says_its_zone():
    with pytest.raises(ValueError, match="zone"):
        Query(since=NOON.replace(tzinfo=None))
