"""Notifications of members, and their choice of kinds."""

from alembic import op

from foundation.database.rls import protect

revision = "202611292214"
down_revision = "202611292213"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE notification (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    member_id uuid NOT NULL,
    kind varchar NOT NULL,
    severity varchar NOT NULL,
    topic varchar NOT NULL,
    params jsonb NOT NULL,
    href varchar NOT NULL,
    list_href varchar NOT NULL,
    account varchar NOT NULL,
    number integer NOT NULL,
    happened_at timestamptz NOT NULL,
    read_at timestamptz,
    CONSTRAINT pk_notification PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX uq_notification_unread ON notification (tenant_id, member_id, kind, topic) WHERE read_at IS NULL;
CREATE INDEX ix_notification_member ON notification (tenant_id, member_id, happened_at, id);

CREATE TABLE notification_setting (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    member_id uuid NOT NULL,
    muted varchar[] NOT NULL,
    least_severity varchar NOT NULL,
    CONSTRAINT pk_notification_setting PRIMARY KEY (tenant_id, member_id),
    CONSTRAINT ck_notification_setting_least_severity CHECK (least_severity IN ('info', 'warning', 'critical'))
);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "notification", app="SELECT, INSERT, UPDATE (happened_at, href, number, params, read_at)")
    protect(op, "notification_setting", app="SELECT, INSERT, UPDATE (least_severity, muted)")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
