"""The policy room's base: rules, their history, approvals."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP

revision = "202611290942"
down_revision = "202611290941"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE policy_rule (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id varchar NOT NULL,
    ptype varchar NOT NULL,
    sub varchar NOT NULL,
    dom varchar NOT NULL,
    obj varchar NOT NULL,
    act varchar NOT NULL,
    condition varchar NOT NULL,
    effect varchar NOT NULL,
    description varchar NOT NULL,
    position integer NOT NULL,
    CONSTRAINT pk_policy_rule PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_policy_rule_dom CHECK (dom = tenant_id::text),
    CONSTRAINT ck_policy_rule_effect CHECK (effect IN ('allow', 'deny')),
    CONSTRAINT ck_policy_rule_ptype CHECK (ptype IN ('p', 'p2', 'g'))
);

CREATE TABLE policy_version (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    serial integer NOT NULL,
    version integer NOT NULL,
    author varchar NOT NULL,
    diff jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_policy_version PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_policy_version_tenant_id_serial UNIQUE (tenant_id, serial)
);

CREATE TABLE approval (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    subject_kind varchar NOT NULL,
    subject_id uuid NOT NULL,
    content_hash bytea NOT NULL,
    policy_version integer NOT NULL,
    requested_by varchar NOT NULL,
    author varchar NOT NULL,
    state varchar NOT NULL DEFAULT 'pending',
    decided_by varchar,
    decided_at timestamptz,
    reason varchar NOT NULL DEFAULT '',
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    created_at timestamptz NOT NULL,
    due_at timestamptz,  -- time to decide, apart from the time to deliver
    overdue boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_approval PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_approval_content_hash CHECK (octet_length(content_hash) = 32),
    CONSTRAINT ck_approval_decided_by_another
        CHECK (decided_by IS NULL OR (decided_by <> requested_by AND decided_by <> author)),
    CONSTRAINT ck_approval_granted_by_someone CHECK (state NOT IN ('granted', 'used') OR decided_by IS NOT NULL),
    CONSTRAINT ck_approval_state CHECK (state IN ('pending', 'granted', 'refused', 'expired', 'withdrawn', 'used'))
);
CREATE INDEX ix_approval_due ON approval (tenant_id, due_at) WHERE state = 'pending' AND NOT overdue;
CREATE INDEX ix_approval_expires ON approval (tenant_id, expires_at) WHERE state IN ('pending', 'granted');
CREATE INDEX ix_approval_state ON approval (tenant_id, state, created_at);
CREATE UNIQUE INDEX uq_approval_open ON approval (tenant_id, subject_kind, subject_id)
    WHERE state IN ('pending', 'granted');
"""


def upgrade() -> None:
    op.execute(_TABLES)
    # Partner users read the rules that decide about them; they never write any.
    protect(op, "policy_rule", partner="open")
    protect(op, "policy_version", app="SELECT, INSERT", partner="open")
    protect(op, "approval", fleet=True)
    # Rows that are open, or younger than the shortest retention period, cannot be deleted.
    op.execute(
        f"CREATE POLICY approval_old ON approval AS RESTRICTIVE FOR DELETE TO {APP}"
        " USING (state NOT IN ('pending', 'granted') AND created_at < now() - interval '90 days')"
    )


def downgrade() -> None:
    """Not offered: the base creates the tables, so a downgrade would delete every row."""
    raise NotImplementedError("A base cannot be taken back. Restore a backup instead.")
