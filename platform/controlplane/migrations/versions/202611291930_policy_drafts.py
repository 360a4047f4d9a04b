"""Drafts of the policy, and replays of recorded changes."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP

revision = "202611291930"
down_revision = "202611291921"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE policy_draft (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    state varchar NOT NULL,
    revision integer NOT NULL DEFAULT 0,
    editors varchar[] NOT NULL,
    editor_names varchar[] NOT NULL,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    restores integer,
    ended_at timestamptz,
    ended_by varchar,
    ended_by_name varchar,
    version integer,
    CONSTRAINT pk_policy_draft PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_policy_draft_published_by_another CHECK (state <> 'published' OR ended_by <> ALL (editors)),
    CONSTRAINT ck_policy_draft_state CHECK (state IN ('open', 'published', 'discarded'))
);
CREATE UNIQUE INDEX uq_policy_draft_open ON policy_draft (tenant_id) WHERE state = 'open';
CREATE INDEX ix_policy_draft_version ON policy_draft (tenant_id, version) WHERE version IS NOT NULL;

CREATE TABLE policy_draft_edit (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    draft_id uuid NOT NULL,
    rule_id varchar NOT NULL,
    rule jsonb,
    position integer NOT NULL,
    CONSTRAINT pk_policy_draft_edit PRIMARY KEY (tenant_id, draft_id, rule_id)
);

CREATE TABLE policy_replay (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    draft_id uuid NOT NULL,
    revision integer NOT NULL,
    policy_version integer NOT NULL,
    state varchar NOT NULL,
    days integer NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    total bigint NOT NULL,
    replayed bigint NOT NULL DEFAULT 0,
    differing bigint NOT NULL DEFAULT 0,
    after_id uuid,
    counts jsonb NOT NULL,
    money jsonb NOT NULL,
    started_at timestamptz NOT NULL,
    started_by_name varchar NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_policy_replay PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_policy_replay_state CHECK (state IN ('running', 'done', 'outdated'))
);
CREATE INDEX ix_policy_replay_draft ON policy_replay (tenant_id, draft_id, id);

CREATE TABLE policy_replay_difference (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    replay_id uuid NOT NULL,
    change_id uuid NOT NULL,
    record_key varchar NOT NULL,
    element varchar NOT NULL,
    dimension varchar NOT NULL,
    record_type varchar NOT NULL,
    old_value jsonb,
    new_value jsonb NOT NULL,
    proposed_at timestamptz NOT NULL,
    before varchar NOT NULL,
    after varchar NOT NULL,
    rule_id varchar NOT NULL,
    reason jsonb NOT NULL,
    CONSTRAINT pk_policy_replay_difference PRIMARY KEY (tenant_id, replay_id, change_id)
);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(
        op,
        "policy_draft",
        app="SELECT, INSERT, UPDATE (changed_at, editor_names, editors, ended_at, ended_by, ended_by_name, restores,"
        " revision, state, version)",
    )
    protect(op, "policy_draft_edit", app="SELECT, INSERT, UPDATE (rule), DELETE")
    protect(
        op,
        "policy_replay",
        app="SELECT, INSERT, UPDATE (after_id, counts, differing, ended_at, money, replayed, state), DELETE",
    )
    protect(op, "policy_replay_difference", app="SELECT, INSERT, DELETE")
    # Rows that are running, or younger than the shortest retention period, cannot be deleted.
    op.execute(
        f"CREATE POLICY policy_replay_old ON policy_replay AS RESTRICTIVE FOR DELETE TO {APP}"
        " USING (state <> 'running' AND started_at < now() - interval '30 days')"
    )


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
