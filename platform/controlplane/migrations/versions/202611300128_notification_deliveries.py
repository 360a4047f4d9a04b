"""Deliveries of notifications by mail and webhook, and members' settings for them."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP

revision = "202611300128"
down_revision = "202611300127"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE notification_delivery (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    member_id uuid NOT NULL,
    channel varchar NOT NULL,
    job_seq varchar NOT NULL,
    kind varchar NOT NULL,
    topic varchar NOT NULL,
    subject varchar NOT NULL,
    params jsonb NOT NULL,
    list_href varchar NOT NULL,
    account varchar NOT NULL,
    number integer NOT NULL,
    happened_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    done_at timestamptz,
    CONSTRAINT pk_notification_delivery PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX uq_notification_delivery_job
    ON notification_delivery (tenant_id, member_id, channel, job_seq);
CREATE INDEX ix_notification_delivery_due ON notification_delivery (tenant_id, due_at) WHERE done_at IS NULL;
CREATE INDEX ix_notification_delivery_subject
    ON notification_delivery (tenant_id, member_id, kind, subject, done_at);
ALTER TABLE notification_setting ADD COLUMN delivery jsonb NOT NULL DEFAULT '{}'::jsonb;
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "notification_delivery", app="SELECT, INSERT, UPDATE (done_at), DELETE")
    op.execute(f"GRANT UPDATE (delivery) ON notification_setting TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
