"""The branding room's base: brands and their host names."""

from alembic import op

from foundation.database.rls import MSP, protect
from foundation.database.roles import APP

revision = "202611290943"
down_revision = "202611290942"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE brand (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    slug varchar NOT NULL,
    name varchar NOT NULL,
    tokens jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_brand PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_brand_tenant_id_slug UNIQUE (tenant_id, slug),
    CONSTRAINT ck_brand_house CHECK (tenant_id = msp_id)
);

CREATE TABLE brand_domain (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    host varchar NOT NULL,
    brand_id uuid NOT NULL,
    CONSTRAINT pk_brand_domain PRIMARY KEY (tenant_id, host),
    CONSTRAINT fk_brand_domain_tenant_id_brand_id FOREIGN KEY (tenant_id, brand_id)
        REFERENCES brand (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_brand_domain_host CHECK (host = lower(host) AND host ~ '^[a-z0-9.-]{1,253}$'),
    CONSTRAINT ck_brand_domain_house CHECK (tenant_id = msp_id)
);
CREATE INDEX ix_brand_domain_tenant_id_brand_id ON brand_domain (tenant_id, brand_id);
CREATE UNIQUE INDEX uq_brand_domain_host ON brand_domain (host);
"""

_HOST = "nullif(current_setting('app.host', true), '')"

# A request is shown its host's brand before anyone is signed in. This opens exactly that host's row and its brand,
# for reading, and both are public: the host's sign-in page shows them.
_BY_HOST = f"""
CREATE POLICY brand_domain_host ON brand_domain FOR SELECT TO {APP} USING (host = {_HOST});
CREATE POLICY brand_host ON brand FOR SELECT TO {APP} USING (EXISTS (
    SELECT 1 FROM brand_domain AS d
    WHERE d.host = {_HOST} AND d.tenant_id = brand.tenant_id AND d.brand_id = brand.id));
"""

# A client's jobs read their MSP's brand, for mail and files: only in a transaction that asks for it, as
# `branding.directory` does. Pages have the brand of their host.
_OWN = f"""
CREATE POLICY brand_own ON brand FOR SELECT TO {APP}
    USING (current_setting('app.brand', true) = 'own' AND tenant_id = {MSP} AND msp_id = {MSP});
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "brand")
    protect(op, "brand_domain")
    op.execute(_BY_HOST)
    op.execute(_OWN)


def downgrade() -> None:
    """Not offered: the base creates the tables, so a downgrade would delete every row."""
    raise NotImplementedError("A base cannot be taken back. Restore a backup instead.")
