"""Host names that wait for the DNS record with which an MSP proves that they are its own."""

from alembic import op

from foundation.database.rls import protect

revision = "202611291833"
down_revision = "202611291821"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE brand_domain_claim (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    host varchar NOT NULL,
    brand_id uuid NOT NULL,
    token varchar NOT NULL,
    created_at timestamptz NOT NULL,
    checked_at timestamptz,
    result varchar NOT NULL,
    CONSTRAINT pk_brand_domain_claim PRIMARY KEY (tenant_id, host),
    CONSTRAINT fk_brand_domain_claim_tenant_id_brand_id FOREIGN KEY (tenant_id, brand_id)
        REFERENCES brand (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_brand_domain_claim_host CHECK (host = lower(host) AND host ~ '^[a-z0-9.-]{1,253}$'),
    CONSTRAINT ck_brand_domain_claim_msp_account CHECK (tenant_id = msp_id)
);
CREATE INDEX ix_brand_domain_claim_tenant_id_brand_id ON brand_domain_claim (tenant_id, brand_id);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "brand_domain_claim", app="SELECT, INSERT, UPDATE (brand_id, checked_at, result), DELETE")


def downgrade() -> None:
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
