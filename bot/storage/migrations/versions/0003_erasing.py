"""What an erasure looks rows up by: without these it read every message and every alert of the clinic."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the change."""
    op.create_index("ix_outbox_about_chat", "outbox", ["about_chat"])
    op.create_index("ix_alerts_treatment_id", "alerts", ["treatment_id"])


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_alerts_treatment_id", "alerts")
    op.drop_index("ix_outbox_about_chat", "outbox")
