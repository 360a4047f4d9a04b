"""Policies of each table: one form for all, sufficient for the fleet without any condition, no rows by default."""

from typing import Any

import psycopg
import pytest
from psycopg import sql

from foundation.database.rls import PartnerAccess, protect
from foundation.database.roles import APP, FLEET
from tests.conftest import Urls, make_scope
from tests.isolation.every_table import TABLES
from tests.isolation.rows import enter, make_rows, tenant_tables, updating
from tests.support.as_owner import change_as_owner

OPEN_TO_PARTNERS = {"client", "client_brand", "client_brand_image", "policy_role", "policy_rule", "policy_version"}
PARTNERS_OWN = {"channel_value", "connection", "notification", "notification_setting", "partner", "propagation"}
PARTNERS_RECORDS = {"record_title"}
"""Tables visible to a partner if the record is on a channel of the partner."""
Owner = psycopg.Connection[Any]
Policies = dict[str, tuple[Any, ...]]


def policies(connection: Owner, table: str) -> Policies:
    rows = connection.execute(
        "SELECT policyname, permissive, roles::text[], cmd, qual, with_check FROM pg_policies WHERE tablename = %s",
        (table,),
    )
    return {name.removeprefix(f"{table}_"): tuple(rest) for name, *rest in rows}


class Executing:
    def __init__(self, connection: Owner) -> None:
        self.connection = connection

    def execute(self, sqltext: str) -> object:
        return self.connection.execute(sqltext.encode())


def made_by_protect(connection: Owner, partner: PartnerAccess) -> Policies:
    with connection.transaction(force_rollback=True):
        connection.execute("CREATE TABLE probe (tenant_id uuid, msp_id uuid, partner_id uuid)")
        protect(Executing(connection), "probe", partner=partner, fleet=True)
        return policies(connection, "probe")


def access_of(table: str) -> PartnerAccess:
    if table in OPEN_TO_PARTNERS:
        return "open"
    return "own" if table in PARTNERS_OWN else "closed"


def test_every_table_has_the_policies_protect_makes_whatever_migration_made_them(owner: Owner) -> None:
    wrong = {}
    for table in tenant_tables(owner):
        made, found = made_by_protect(owner, access_of(table)), policies(owner, table)
        if "fleet" not in found:
            del made["fleet"]
        if table in PARTNERS_RECORDS:
            del made["partner"]
        if {name: found.get(name) for name in made} != made:
            wrong[table] = found
    assert wrong == {}


def fleet_tables(connection: Owner) -> list[str]:
    rows = connection.execute(
        "SELECT table_name FROM information_schema.role_table_grants"
        " WHERE grantee = %s AND privilege_type = 'SELECT' ORDER BY 1",
        (FLEET,),
    )
    return [name for (name,) in rows]


def test_a_fleet_sees_its_own_msp_by_the_policy_alone(urls: Urls, owner: Owner) -> None:
    """The statements name no MSP: only the policy excludes the others."""
    first, second = make_rows(urls, owner), make_rows(urls, owner)
    tables = fleet_tables(owner)
    assert len(tables) >= 15
    with psycopg.connect(urls.app) as connection:
        for table in tables:
            for mine in (first[table], second[table]):
                enter(connection, mine)
                connection.execute(f"SET LOCAL ROLE {FLEET}")
                found = connection.execute(sql.SQL("SELECT DISTINCT msp_id FROM {}").format(sql.Identifier(table)))
                assert found.fetchall() == [(mine.msp_id,)], table
                connection.rollback()


@pytest.mark.parametrize("settings", ["absent", "empty"])
@pytest.mark.parametrize("role", [APP, FLEET])
def test_without_settings_no_row_is_seen(urls: Urls, owner: Owner, role: str, settings: str) -> None:
    make_rows(urls, owner)
    with psycopg.connect(urls.app) as connection:
        for table in tenant_tables(owner) if role == APP else fleet_tables(owner):
            if settings == "empty":
                connection.execute(
                    "SELECT set_config('app.' || name, '', true)"
                    " FROM unnest(ARRAY['msp_id', 'tenant_id', 'partner_id']) AS name"
                )
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
            found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
            assert found == (0,), table
            connection.rollback()


def test_a_partner_sees_its_own_rows_and_reference_data_and_writes_nothing(urls: Urls, owner: Owner) -> None:
    made = make_rows(urls, owner)
    with psycopg.connect(urls.app) as connection:
        for table, scope in made.items():
            if table in PARTNERS_OWN:  # the made partner's id is the tenant's
                own = f"UPDATE {table} SET partner_id = tenant_id WHERE tenant_id = %(t)s"
                change_as_owner(urls.owner, scope, table, own)
            for partner, sees in (
                (scope.tenant_id, OPEN_TO_PARTNERS | PARTNERS_OWN | PARTNERS_RECORDS),
                (make_scope().tenant_id, OPEN_TO_PARTNERS),
            ):
                user = make_scope(msp_id=scope.msp_id, tenant_id=scope.tenant_id, partner_id=partner)
                enter(connection, user, rating=True)
                found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
                assert found is not None
                assert (found[0] > 0) == (table in sees), table
                if table in PARTNERS_OWN and TABLES[table].update:
                    assert connection.execute(updating(table)).rowcount == 0, table
                connection.rollback()
