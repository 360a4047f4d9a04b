"""Outgoing mail: mails to members, and an MSP's own mail server."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import FLEET

revision = "202611292254"
down_revision = "202611292253"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE mail (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    kind varchar NOT NULL,
    recipient varchar NOT NULL,
    recipient_name varchar NOT NULL,
    language varchar NOT NULL,
    time_zone varchar NOT NULL,
    brand_id uuid,
    content bytea,
    state varchar NOT NULL DEFAULT 'queued',
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    error jsonb,
    CONSTRAINT pk_mail PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_mail_state CHECK (state IN ('queued', 'sent', 'kept', 'failed'))
);
CREATE INDEX ix_mail_msp_id_id ON mail (msp_id, id);

CREATE TABLE mail_server (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    host varchar NOT NULL,
    port integer NOT NULL,
    tls varchar NOT NULL,
    username varchar NOT NULL,
    password bytea,
    from_address varchar NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_mail_server PRIMARY KEY (tenant_id),
    CONSTRAINT ck_mail_server_msp_account CHECK (tenant_id = msp_id)
);
"""
_FLEET_SEES_NO_CONTENT = f"""
REVOKE SELECT ON mail FROM {FLEET};
GRANT SELECT (tenant_id, msp_id, id, kind, recipient, state, created_at, sent_at, error) ON mail TO {FLEET};
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "mail", app="SELECT, INSERT, UPDATE (content, error, sent_at, state)", fleet=True)
    op.execute(_FLEET_SEES_NO_CONTENT)
    protect(
        op,
        "mail_server",
        app="SELECT, INSERT, UPDATE (from_address, host, password, port, tls, updated_at, username), DELETE",
    )


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
