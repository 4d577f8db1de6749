"""Add the verdict of two detectors, and what the whole picture was like; unknown of older rows."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBERS = ("p_robust", "p_suspicion", "brightness", "contrast", "sharpness")


def upgrade() -> None:
    """Add columns; no row is changed."""
    op.add_column("decisions", sa.Column("verdict", sa.String(16)))
    for name in NUMBERS:
        op.add_column("decisions", sa.Column(name, sa.Float(53)))
