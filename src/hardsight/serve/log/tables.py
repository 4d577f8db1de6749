"""The tables of the inspection log, as SQLAlchemy knows them; ``migrations`` makes them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
)

METADATA = MetaData()
NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""Number of a row in its table, in the order of its commit; SQLite counts up integers alone."""


class UTCTime(TypeDecorator[datetime]):
    """A time in UTC, in databases with and without time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a time with a zone to UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Give back the zone where the database kept none."""
        if value is None:
            return None
        found: datetime = value if value.tzinfo else value.replace(tzinfo=UTC)
        return found.astimezone(UTC)


class PlainText(TypeDecorator[str]):
    """Text in any database: PostgreSQL refuses the character NUL, for which another stands."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Put U+FFFD, which marks what cannot be shown, in the place of NUL."""
        return None if value is None else value.replace("\0", "\N{REPLACEMENT CHARACTER}")


DECISIONS = Table(
    "decisions",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("id", PlainText(36), nullable=False, unique=True),
    Column("time", UTCTime, nullable=False),
    Column("source", PlainText, nullable=False),
    Column("image", String(64), nullable=False),
    Column("score", Float(53), nullable=False),
    Column("p_value", Float(53), nullable=False),
    Column("label", Boolean, nullable=False),
    Column("threshold", Float(53), nullable=False),
    Column("model", PlainText, nullable=False),
    Column("model_hash", String, nullable=False),
    Column("threshold_version", Integer, nullable=False),
    Column("map_maximum", Float(53), nullable=False),
    Column("verdict", String(16)),
    Column("p_robust", Float(53)),
    Column("p_suspicion", Float(53)),
    Column("brightness", Float(53)),
    Column("contrast", Float(53)),
    Column("sharpness", Float(53)),
)
FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("id", PlainText(36), nullable=False, unique=True),
    Column("time", UTCTime, nullable=False),
    Column("decision", PlainText(36), nullable=False),
    Column("anomalous", Boolean, nullable=False),
    Column("note", PlainText, nullable=False),
    Column("author", PlainText, nullable=False),
)
THRESHOLDS = Table(
    "thresholds",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("time", UTCTime, nullable=False),
    Column("model", PlainText, nullable=False),
    Column("model_hash", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("calibration", JSON, nullable=False),
    Column("note", PlainText, nullable=False),
)
