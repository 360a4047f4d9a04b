"""Row-level security for migrations: no table with `tenant_id` is created without `protect`.

The tenant's policy is plain equality on a transaction-local setting, which keeps index plans and estimates. All other
conditions of a policy are independent of the number of the tenant's rows, so they are written in a form that the
planner estimates as true for nearly all rows, `… IS NOT NULL`: an equality would be estimated at one in two hundred,
and a large tenant's newest rows then read by sorting all of them. Queries state their own selectivity: each names its
tenant or its MSP. Settings are wrapped in a `(SELECT …)`, which is evaluated once a statement; evaluated for each row
they cost more than the row. `nullif` matters: after a transaction-local setting ends, PostgreSQL leaves an empty
string, not NULL.
"""

from typing import Literal, Protocol

from foundation.database.roles import APP, FLEET, INTAKE, RELAY

TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
MSP = "nullif(current_setting('app.msp_id', true), '')::uuid"
PARTNER = "nullif(current_setting('app.partner_id', true), '')::uuid"
SAME_MSP = f"CASE WHEN msp_id = (SELECT {MSP}) THEN true END IS NOT NULL"
NO_PARTNER = "(SELECT CASE WHEN coalesce(current_setting('app.partner_id', true), '') = '' THEN true END) IS NOT NULL"

PartnerAccess = Literal["closed", "own", "open"]


class Executes(Protocol):
    def execute(self, sqltext: str) -> object: ...


def protect(
    op: Executes,
    table: str,
    *,
    app: str = "SELECT, INSERT",
    partner: PartnerAccess = "closed",
    fleet: bool = False,
) -> None:
    """Force row-level security on `table` and grant `app` privileges to the application role: UPDATE with its columns,
    never of the whole table. `tables.py` in a slice's test folder declares them.

    `partner`: closed hides the table from partner users; own shows rows with their `partner_id`; open shows all of the
    tenant's rows (for reference data). Partners never write. `fleet` lets an MSP's staff read the table across their
    clients.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {table}_tenant ON {table} TO {APP} USING (tenant_id = {TENANT} AND {SAME_MSP})")
    visible = {
        "closed": NO_PARTNER,
        "own": f"{NO_PARTNER} OR partner_id = (SELECT {PARTNER})",
        "open": "true",
    }[partner]
    op.execute(f"CREATE POLICY {table}_partner ON {table} AS RESTRICTIVE FOR SELECT TO {APP} USING ({visible})")
    for verb, clause in (("INSERT", "WITH CHECK"), ("UPDATE", "USING"), ("DELETE", "USING")):
        op.execute(
            f"CREATE POLICY {table}_partner_{verb.lower()} ON {table} AS RESTRICTIVE FOR {verb} TO {APP}"
            f" {clause} ({NO_PARTNER})"
        )
    op.execute(f"GRANT {app} ON {table} TO {APP}")
    if fleet:
        op.execute(f"CREATE POLICY {table}_fleet ON {table} FOR SELECT TO {FLEET} USING ({SAME_MSP})")
        op.execute(f"GRANT SELECT ON {table} TO {FLEET}")


def open_to_intake(op: Executes, table: str, *, columns: str = "", visible: str = "true") -> None:
    """Grant the intake role reading of `columns`, or all of them, of every tenant's rows for which `visible` holds."""
    _open(op, table, INTAKE, columns, visible)


def open_to_relay(op: Executes, table: str, *, columns: str) -> None:
    """Grant the relay role reading of `columns` of every tenant's rows."""
    _open(op, table, RELAY, columns, "true")


def _open(op: Executes, table: str, role: str, columns: str, visible: str) -> None:
    op.execute(f"CREATE POLICY {table}_{role} ON {table} FOR SELECT TO {role} USING ({visible})")
    op.execute(f"GRANT SELECT{f' ({columns})' if columns else ''} ON {table} TO {role}")
