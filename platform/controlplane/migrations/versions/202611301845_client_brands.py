"""Parts of their MSP's brand that clients replace."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP

revision = "202611301845"
down_revision = "202611301840"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE client_brand (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    tokens jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_client_brand PRIMARY KEY (tenant_id),
    CONSTRAINT ck_client_brand_client CHECK (tenant_id <> msp_id)
);
CREATE TABLE client_brand_image (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    kind varchar NOT NULL,
    content bytea NOT NULL,
    hash varchar NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    contrast_light double precision NOT NULL,
    contrast_dark double precision NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_client_brand_image PRIMARY KEY (tenant_id, kind),
    CONSTRAINT ck_client_brand_image_kind CHECK (kind IN ('logo', 'logo-dark', 'icon')),
    CONSTRAINT ck_client_brand_image_client CHECK (tenant_id <> msp_id)
);
"""

# An image is asked for by its hash, without a session, as the MSP's are: on a host of the client's MSP only.
_READ = f"""
CREATE POLICY client_brand_image_host ON client_brand_image FOR SELECT TO {APP} USING (
    hash = nullif(current_setting('app.brand', true), '') AND EXISTS (
    SELECT 1 FROM brand_domain AS d
    WHERE d.host = nullif(current_setting('app.host', true), '') AND d.tenant_id = client_brand_image.msp_id));
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "client_brand", app="SELECT, INSERT, UPDATE (tokens, changed_at)", partner="open", fleet=True)
    updated = "content, hash, width, height, contrast_light, contrast_dark, changed_at"
    protect(op, "client_brand_image", app=f"SELECT, INSERT, UPDATE ({updated}), DELETE", partner="open")
    op.execute(_READ)


def downgrade() -> None:
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
