"""Checks of buyers' VAT ids in a register."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP

revision = "202612010151"
down_revision = "202612010150"
branch_labels = None
depends_on = None

_TABLES = """
ALTER TABLE legal_entity ADD COLUMN vat_check varchar NOT NULL DEFAULT 'off',
    ADD COLUMN vat_check_days integer NOT NULL DEFAULT 30,
    ADD CONSTRAINT ck_legal_entity_vat_check CHECK (vat_check IN ('off', 'vies'));

CREATE TABLE vat_check (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    vat_id varchar NOT NULL,
    requester varchar NOT NULL,
    status varchar NOT NULL,
    consultation_number varchar NOT NULL,
    requested_on timestamptz,
    name varchar NOT NULL,
    reason varchar NOT NULL,
    checked_at timestamptz NOT NULL,
    CONSTRAINT pk_vat_check PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_vat_check_status CHECK (status IN ('valid', 'invalid', 'unavailable'))
);
CREATE INDEX ix_vat_check_vat_id ON vat_check (tenant_id, vat_id, checked_at);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(f"GRANT UPDATE (vat_check, vat_check_days) ON legal_entity TO {APP}")
    protect(op, "vat_check", fleet=True)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
