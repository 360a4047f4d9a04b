"""Changes by the owner that no role of the product may make: deletion or ageing of a client's rows."""

from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from foundation.scope import Scope

if TYPE_CHECKING:
    from tests.support.client_env import ClientEnv


def change_as_owner(owner_url: str, scope: Scope, table: str, statement: str, **binds: object) -> None:
    """Execute `statement` on `table` without row security. Its condition must name `tenant_id = %(t)s`."""
    assert "%(t)s" in statement
    with psycopg.connect(owner_url) as connection:
        name = sql.Identifier(table)
        connection.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(name))
        connection.execute(statement.encode(), {"t": scope.tenant_id, **binds})
        connection.execute(sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(name))


def delete_as_owner(env: "ClientEnv", table: str, condition: str = "true", **binds: object) -> None:
    statement = f"DELETE FROM {table} WHERE tenant_id = %(t)s AND {condition}"
    change_as_owner(env.services.settings.owner_url, env.scope, table, statement, **binds)


def update_as_owner(env: "ClientEnv", table: str, changes: str, where: str = "true", **binds: object) -> None:
    statement = f"UPDATE {table} SET {changes} WHERE tenant_id = %(t)s AND {where}"
    change_as_owner(env.services.settings.owner_url, env.scope, table, statement, **binds)
