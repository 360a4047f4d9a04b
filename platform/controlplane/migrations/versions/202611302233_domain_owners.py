"""Named owners of data domains."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import FLEET

revision = "202611302233"
down_revision = "202611302232"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE domain_owner (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    domain varchar NOT NULL,
    owner varchar NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by varchar NOT NULL,
    CONSTRAINT pk_domain_owner PRIMARY KEY (tenant_id, domain)
);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(
        op, "domain_owner", app="SELECT, INSERT, DELETE, UPDATE (changed_at, changed_by, owner)", fleet=True
    )  # fmt: skip
    op.execute(f"GRANT SELECT (domain) ON custom_element TO {FLEET}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
