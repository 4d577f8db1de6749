"""Opening the database of a log: durable, and its tables as this version of hardsight has them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InvalidatePoolError,
    OperationalError,
    SQLAlchemyError,
)

from hardsight.serve.log.errors import LogError

MIGRATIONS = Path(__file__).parent / "migrations"
WAIT_MS = 10_000
"""How long one process waits for another to finish its transaction in the same SQLite file."""
LOCK = 0x68617264
"""Number of the lock in PostgreSQL that puts the transactions of all writers in one order."""


def address(log: str | Path) -> URL:
    """Return the URL of a log: as it is, or that of the SQLite file at a path.

    Raises:
        ValueError: neither SQLite nor PostgreSQL.
    """
    text = str(log)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ValueError(f"log={text!r} is no URL of a database ({error})") from error
    backend = url.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ValueError(
            f"log={url.render_as_string()!r} must be a file for SQLite, or postgresql://USER@HOST/NAME"
        )
    return url.set(drivername="sqlite" if backend == "sqlite" else "postgresql+pg8000")


def connect(url: URL) -> Engine:
    """Return an engine whose commits are on disk when they return, and make or upgrade its tables.

    Raises:
        LogError: no such server or folder, a database of a newer hardsight, or a full disk.
    """
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).absolute().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)
    event.listen(engine, "connect", _durable)
    if url.get_backend_name() != "sqlite":
        event.listen(engine, "checkout", partial(_demand_alive, engine))
    event.listen(engine, "begin", _begin)
    with failing_as_log_error(url), writing(engine) as connection:
        _upgrade(connection)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Yield a connection in a transaction that alone may write; committed to disk at the end."""
    with engine.execution_options(writes=True).begin() as connection:
        yield connection


@contextmanager
def failing_as_log_error(url: URL) -> Iterator[None]:
    """Turn what the database refuses into a ``LogError`` that says where and the way out."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        where = url.render_as_string(hide_password=True)
        cause = error.orig if isinstance(error, DBAPIError) else error
        full = isinstance(error, OperationalError) and _is_full(str(cause))
        way = "free space on its disk" if full else "look after the database, then try again"
        raise LogError(f"the log at {where} failed ({cause}); {way}", full) from error


def _demand_alive(engine: Engine, connection: Any, record: object, proxy: object) -> None:
    """Have connections that a server dropped made anew: pg8000 tells of some by an ``OSError``.

    SQLAlchemy's own ``pool_pre_ping`` takes the driver's errors alone.
    """
    try:
        connection.cursor().execute("SELECT 1")
        connection.rollback()
    except (OSError, engine.dialect.loaded_dbapi.Error) as error:
        raise InvalidatePoolError from error


def _is_full(reason: str) -> bool:
    return any(words in reason for words in ("disk is full", "No space left"))


def _durable(connection: Any, record: object) -> None:
    """Have every commit wait for the disk, and leave transactions to SQLAlchemy."""
    sqlite = hasattr(connection, "isolation_level")
    if sqlite:
        connection.isolation_level = None
    cursor = connection.cursor()
    if sqlite:
        for pragma in (
            f"busy_timeout={WAIT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
    else:
        cursor.execute("SET synchronous_commit TO on")
        cursor.execute("SET TIME ZONE 'UTC'")
        connection.commit()
    cursor.close()


def _begin(connection: Connection) -> None:
    """Begin a transaction; a writer's keeps every other writer out until it is committed."""
    writes = connection.get_execution_options().get("writes", False)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
    elif writes:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")


def _upgrade(connection: Connection) -> None:
    """Bring the tables to the newest version."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise LogError(
            f"the log was written by another hardsight ({error}); use that, or another --log"
        ) from error
