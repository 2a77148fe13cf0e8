"""A patient's own time zone, for who travels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("patients") as table:
        table.add_column(sa.Column("time_zone", sa.String(length=64), nullable=True))


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("patients") as table:
        table.drop_column("time_zone")
