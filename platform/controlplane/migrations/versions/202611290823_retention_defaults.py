"""Retention defaults of an MSP for all its accounts, and the time from which runs of retention are judged."""

from alembic import op

from foundation.database.rls import MSP, protect
from foundation.database.roles import APP

revision = "202611290823"
down_revision = "202611290822"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE retention_default (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, data_class varchar NOT NULL, keep_days integer NOT NULL,
    changed_at timestamptz NOT NULL, changed_by varchar NOT NULL,
    CONSTRAINT pk_retention_default PRIMARY KEY (tenant_id, data_class),
    CONSTRAINT ck_retention_default_house CHECK (tenant_id = msp_id),
    CONSTRAINT ck_retention_default_keep_days CHECK (keep_days > 0)
)
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "retention_default")
    # A client's rules are its MSP's too: they are read with this setting, inside a savepoint.
    op.execute(
        f"CREATE POLICY retention_default_rules ON retention_default FOR SELECT TO {APP}"
        f" USING (msp_id = {MSP} AND current_setting('app.retention', true) = 'rules')"
    )
    op.execute(
        "CREATE POLICY retention_default_owner ON retention_default FOR SELECT TO pg_database_owner USING (true)"
    )
    op.execute("""
        INSERT INTO installation (name, value, recorded_at) VALUES ('last_retention', '{}', clock_timestamp())
        ON CONFLICT (name) DO NOTHING
    """)


def downgrade() -> None:
    op.execute("DELETE FROM installation WHERE name = 'last_retention'")
    op.execute("DROP TABLE retention_default")
