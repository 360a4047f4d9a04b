"""Unit costs: the MSP's cost of one unit of a meter, by month."""

from alembic import op

from foundation.database.rls import protect

revision = "202611301647"
down_revision = "202611301607"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE unit_cost (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    book_id uuid NOT NULL,
    meter varchar NOT NULL,
    month varchar NOT NULL,
    unit_cost numeric(20, 8) NOT NULL,
    set_at timestamptz NOT NULL,
    set_by varchar NOT NULL,
    CONSTRAINT pk_unit_cost PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_unit_cost_tenant_id_book_id_price_book FOREIGN KEY (tenant_id, book_id)
        REFERENCES price_book (tenant_id, id),
    CONSTRAINT ck_unit_cost_msp_account CHECK (tenant_id = msp_id),
    CONSTRAINT ck_unit_cost_month CHECK (month ~ '^[0-9]{4}-[0-9]{2}$'),
    CONSTRAINT ck_unit_cost_unit_cost CHECK (unit_cost >= 0)
);
CREATE INDEX ix_unit_cost_meter ON unit_cost (tenant_id, book_id, meter, month);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "unit_cost", app="SELECT, INSERT", fleet=True)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
