"""Tax calculated by a tax service: the legal entity's choice, and the calculation of each invoice."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP

revision = "202612010150"
down_revision = "202611302241"
branch_labels = None
depends_on = None

_TABLES = """
ALTER TABLE legal_entity ADD COLUMN tax_source varchar NOT NULL DEFAULT 'own',
    ADD COLUMN tax_code varchar NOT NULL DEFAULT 'txcd_10103001',
    ADD CONSTRAINT ck_legal_entity_tax_source CHECK (tax_source IN ('own', 'stripe'));

CREATE TABLE tax_calculation (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    account_id uuid,
    question_hash varchar NOT NULL DEFAULT '',
    tax_day date,
    external_id varchar NOT NULL DEFAULT '',
    rule jsonb,
    net_minor bigint NOT NULL DEFAULT 0,
    tax_minor bigint NOT NULL DEFAULT 0,
    details jsonb NOT NULL DEFAULT '[]',
    calculated_at timestamptz,
    failure varchar NOT NULL DEFAULT '',
    answer varchar NOT NULL DEFAULT '',
    problem jsonb,
    failed_at timestamptz,
    transaction_id varchar NOT NULL DEFAULT '',
    recorded_at timestamptz,
    CONSTRAINT pk_tax_calculation PRIMARY KEY (tenant_id, invoice_id)
);
"""
_CHANGED = (
    "account_id, answer, calculated_at, details, external_id, failed_at, failure, net_minor, problem, question_hash,"
    " recorded_at, rule, tax_day, tax_minor, transaction_id"
)


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(f"GRANT UPDATE (tax_source, tax_code) ON legal_entity TO {APP}")
    protect(op, "tax_calculation", app=f"SELECT, INSERT, UPDATE ({_CHANGED})", fleet=True)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
