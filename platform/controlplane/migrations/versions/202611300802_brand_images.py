"""Uploaded images of brands."""

from alembic import op

from foundation.database.rls import MSP, protect
from foundation.database.roles import APP

revision = "202611300802"
down_revision = "202611300801"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE brand_image (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    brand_id uuid NOT NULL,
    kind varchar NOT NULL,
    content bytea NOT NULL,
    hash varchar NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    contrast_light double precision NOT NULL,
    contrast_dark double precision NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_brand_image PRIMARY KEY (tenant_id, brand_id, kind),
    CONSTRAINT fk_brand_image_tenant_id_brand_id FOREIGN KEY (tenant_id, brand_id)
        REFERENCES brand (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_brand_image_kind CHECK (kind IN ('logo', 'logo-dark', 'icon')),
    CONSTRAINT ck_brand_image_msp_account CHECK (tenant_id = msp_id)
);
"""

# As for `brand`: a request is shown the images of its host's brand before anyone is signed in, and a client's jobs
# read those of their MSP, in transactions that ask for it.
_READ = f"""
CREATE POLICY brand_image_host ON brand_image FOR SELECT TO {APP} USING (EXISTS (
    SELECT 1 FROM brand_domain AS d
    WHERE d.host = nullif(current_setting('app.host', true), '')
      AND d.tenant_id = brand_image.tenant_id AND d.brand_id = brand_image.brand_id));
CREATE POLICY brand_image_own ON brand_image FOR SELECT TO {APP}
    USING (current_setting('app.brand', true) = 'own' AND tenant_id = {MSP} AND msp_id = {MSP});
"""


def upgrade() -> None:
    op.execute(_TABLE)
    updated = "content, hash, width, height, contrast_light, contrast_dark, changed_at"
    protect(op, "brand_image", app=f"SELECT, INSERT, UPDATE ({updated}), DELETE")
    op.execute(_READ)


def downgrade() -> None:
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
