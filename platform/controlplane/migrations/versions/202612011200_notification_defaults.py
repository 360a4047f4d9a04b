"""Notifications of an account's members who have chosen none, and the host that links in their mails lead to."""

from alembic import op

from foundation.database.rls import MSP, protect
from foundation.database.roles import APP

revision = "202612011200"
down_revision = "202612010151"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE notification_default (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    muted varchar[] NOT NULL,
    least_severity varchar NOT NULL,
    delivery jsonb NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT pk_notification_default PRIMARY KEY (tenant_id),
    CONSTRAINT ck_notification_default_least_severity CHECK (least_severity IN ('info', 'warning', 'critical'))
);
"""
# As `brand_own`: a client's jobs read the hosts of their MSP's brands only in a transaction that asks for it.
_OWN_HOSTS = f"""
CREATE POLICY brand_domain_own ON brand_domain FOR SELECT TO {APP}
    USING (current_setting('app.brand', true) = 'own' AND tenant_id = {MSP} AND msp_id = {MSP});
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(
        op, "notification_default", app="SELECT, INSERT, UPDATE (muted, least_severity, delivery), DELETE", fleet=True
    )
    op.execute(f"GRANT DELETE ON notification_setting TO {APP}")
    op.execute(_OWN_HOSTS)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
