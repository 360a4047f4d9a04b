"""Policies whose rows the planner counts rightly, and whose settings are read once a statement instead of once a row.

Nobody sees more or less than before. Which tables there are, and what each shows to partners and fleets, is read from
the policies that stand: a table whose policy is not known to show partners their own rows, or all, shows them none.
"""

from alembic import op
from sqlalchemy import text

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
_MSP = "nullif(current_setting('app.msp_id', true), '')::uuid"
_PARTNER = "nullif(current_setting('app.partner_id', true), '')::uuid"
_IS_NO_PARTNER = "coalesce(current_setting('app.partner_id', true), '') = ''"
_SAME_MSP = f"CASE WHEN msp_id = (SELECT {_MSP}) THEN true END IS NOT NULL"
_NO_PARTNER = f"(SELECT CASE WHEN {_IS_NO_PARTNER} THEN true END) IS NOT NULL"

_STANDING = """
SELECT t.tablename, p.qual AS visible, f.policyname IS NOT NULL AS fleet
  FROM pg_policies t
  JOIN pg_policies p ON p.schemaname = t.schemaname AND p.tablename = t.tablename
   AND p.policyname = t.tablename || '_partner'
  LEFT JOIN pg_policies f ON f.schemaname = t.schemaname AND f.tablename = t.tablename
   AND f.policyname = t.tablename || '_fleet'
 WHERE t.schemaname = 'public' AND t.policyname = t.tablename || '_tenant' ORDER BY t.tablename
"""


def upgrade() -> None:
    _alter(
        tenant=f"tenant_id = {_TENANT} AND {_SAME_MSP}",
        fleet=_SAME_MSP,
        no_partner=_NO_PARTNER,
        own=f"{_NO_PARTNER} OR partner_id = (SELECT {_PARTNER})",
    )


def downgrade() -> None:
    _alter(
        tenant=f"tenant_id = {_TENANT} AND msp_id = {_MSP}",
        fleet=f"msp_id = {_MSP}",
        no_partner=_IS_NO_PARTNER,
        own=f"{_IS_NO_PARTNER} OR partner_id = {_PARTNER}",
    )


def _alter(*, tenant: str, fleet: str, no_partner: str, own: str) -> None:
    for table, visible, has_fleet in op.get_bind().execute(text(_STANDING)).all():
        op.execute(f"ALTER POLICY {table}_tenant ON {table} USING ({tenant})")
        if visible != "true":
            shown = own if "(partner_id = " in visible else no_partner
            op.execute(f"ALTER POLICY {table}_partner ON {table} USING ({shown})")
        op.execute(f"ALTER POLICY {table}_partner_insert ON {table} WITH CHECK ({no_partner})")
        for verb in ("update", "delete"):
            op.execute(f"ALTER POLICY {table}_partner_{verb} ON {table} USING ({no_partner})")
        if has_fleet:
            op.execute(f"ALTER POLICY {table}_fleet ON {table} USING ({fleet})")
