"""Playbooks of an MSP, and the onboarding projects of its clients; names of two columns of templates."""

from alembic import op

from foundation.database.rls import protect

revision = "202611300133"
down_revision = "202611300130"
branch_labels = None
depends_on = None

# Columns named as a mail's text and an idempotency key's answer are, which nobody reads across clients.
_TABLES = """
ALTER TABLE client_template_version RENAME COLUMN content TO items;
ALTER TABLE client_template_use RENAME COLUMN content TO items;
ALTER TABLE client_template_use RENAME COLUMN kept TO own_items;

CREATE TABLE playbook (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    name varchar NOT NULL,
    tasks jsonb NOT NULL,
    revision integer NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by varchar NOT NULL,
    CONSTRAINT pk_playbook PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_playbook_name UNIQUE (tenant_id, name)
);

CREATE TABLE onboarding_project (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    playbook_name varchar NOT NULL,
    starts_on date NOT NULL,
    started_at timestamptz NOT NULL,
    started_by varchar NOT NULL,
    sponsors jsonb NOT NULL,
    CONSTRAINT pk_onboarding_project PRIMARY KEY (tenant_id)
);

CREATE TABLE onboarding_task (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    project_id uuid NOT NULL,
    position integer NOT NULL,
    phase_number integer NOT NULL,
    phase varchar NOT NULL,
    gate varchar NOT NULL,
    workstream varchar NOT NULL,
    title varchar NOT NULL,
    role varchar NOT NULL,
    evidence_wanted varchar NOT NULL,
    owner varchar NOT NULL,
    due_on date NOT NULL,
    state varchar NOT NULL,
    reason varchar NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by varchar NOT NULL,
    CONSTRAINT pk_onboarding_task PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_onboarding_task_state CHECK (state IN ('open', 'blocked', 'done'))
);
CREATE INDEX ix_onboarding_task_msp_id_due_on ON onboarding_task (msp_id, due_on, id) WHERE state <> 'done';

CREATE TABLE onboarding_evidence (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    task_id uuid NOT NULL,
    kind varchar NOT NULL,
    body varchar NOT NULL,
    added_at timestamptz NOT NULL,
    added_by varchar NOT NULL,
    CONSTRAINT pk_onboarding_evidence PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ix_onboarding_evidence_tenant_id_task_id ON onboarding_evidence (tenant_id, task_id);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "playbook", app="SELECT, INSERT, UPDATE (changed_at, changed_by, revision, tasks)", fleet=True)
    protect(op, "onboarding_project", app="SELECT, INSERT, UPDATE (sponsors)")
    protect(
        op,
        "onboarding_task",
        app="SELECT, INSERT, UPDATE (changed_at, changed_by, due_on, owner, reason, state)",
        fleet=True,
    )
    protect(op, "onboarding_evidence")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
