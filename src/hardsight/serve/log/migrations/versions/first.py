"""Make the tables of decisions, feedback and thresholds, to which rows are only added.

There is no way down: a log is not unmade.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TIME = sa.DateTime(timezone=True)
TABLES = ("decisions", "feedback", "thresholds")
REFUSAL = "the inspection log is append-only"


def upgrade() -> None:
    """Make tables, indices and what refuses changes."""
    op.create_table(
        "decisions",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("time", TIME, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("image", sa.String(64), nullable=False),
        sa.Column("score", sa.Float(53), nullable=False),
        sa.Column("p_value", sa.Float(53), nullable=False),
        sa.Column("label", sa.Boolean, nullable=False),
        sa.Column("threshold", sa.Float(53), nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("model_hash", sa.String, nullable=False),
        sa.Column("threshold_version", sa.Integer, nullable=False),
        sa.Column("map_maximum", sa.Float(53), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "feedback",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("time", TIME, nullable=False),
        sa.Column("decision", sa.String(36), sa.ForeignKey("decisions.id"), nullable=False),
        sa.Column("anomalous", sa.Boolean, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "thresholds",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("time", TIME, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("model_hash", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("calibration", sa.JSON, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.UniqueConstraint("model", "model_hash", "version"),
        sqlite_autoincrement=True,
    )
    op.create_index("decisions_by_model", "decisions", ["model", "number"])
    op.create_index("decisions_by_time", "decisions", ["time"])
    op.create_index("decisions_by_label", "decisions", ["label", "number"])
    op.create_index("feedback_by_decision", "feedback", ["decision", "number"])
    refuse = _refuse_in_sqlite if op.get_bind().dialect.name == "sqlite" else _refuse_in_postgres
    for table in TABLES:
        refuse(table)


def _refuse_in_sqlite(table: str) -> None:
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_refuse_{event.lower()} BEFORE {event} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )


def _refuse_in_postgres(table: str) -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
