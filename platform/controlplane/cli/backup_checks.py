"""`fairlead doctor` checks of backups: age of the last one, and the rights it was made with."""

from datetime import datetime, timedelta

import msgspec
import psycopg

from controlplane.backup.create import LAST_BACKUP, LastBackup
from controlplane.cli.checks import Finding
from foundation.clock import utc_now, write_utc
from foundation.database.roles import BACKUP
from foundation.database.settings import with_settings
from foundation.relations import INSTALLATION
from foundation.settings import Settings

OLDEST = timedelta(hours=26)
"""A daily backup that is two hours late."""
_NARROWER = (
    "It was made as the tables' owner. Set DATABASE_BACKUP_URL to fairlead_backup's own URL for `fairlead migrate` and"
    " `fairlead backup` (docs/operations.md, “Backup”)."
)
_MEND = "Run `fairlead backup`, daily, and keep the backups on another machine (docs/operations.md, “Backup”)."


async def last_backup(settings: Settings) -> Finding:
    async with await psycopg.AsyncConnection.connect(
        with_settings(settings.relay_url), connect_timeout=5
    ) as connection:
        cursor = await connection.execute(f"SELECT value::text FROM {INSTALLATION} i WHERE name = %s", (LAST_BACKUP,))
        row = await cursor.fetchone()
    found = msgspec.json.decode(row[0], type=LastBackup) if row is not None else None
    return assess_backup(found, utc_now())


_MORE_THAN_READING = """
    SELECT r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication
        OR NOT pg_has_role(r.oid, %(backup)s, 'MEMBER')
        OR EXISTS (SELECT 1 FROM pg_auth_members m WHERE m.member = r.oid AND m.roleid <> to_regrole(%(backup)s))
        OR EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                      AND (c.relowner = r.oid OR has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
                           OR has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE')))
      FROM pg_roles r WHERE r.rolname = current_user
"""


async def backup_role(settings: Settings) -> list[Finding]:
    """Rights of the login in `backup_url`, if one is configured."""
    if not settings.backup_url:
        return []
    async with await psycopg.AsyncConnection.connect(
        with_settings(settings.backup_url), connect_timeout=5
    ) as connection:
        cursor = await connection.execute(_MORE_THAN_READING, {"backup": BACKUP})
        row = await cursor.fetchone()
    if row is None or row[0]:
        mend = f"Backups need to read only. Let DATABASE_BACKUP_URL name {BACKUP}, or a login that is its member only."
        return [Finding(f"role {BACKUP}", "too powerful", mend, warning=True)]
    return [Finding(f"role {BACKUP}", "connects, and only reads")]


def assess_backup(found: LastBackup | None, now: datetime) -> Finding:
    if found is None:
        return Finding("Backup", "none was ever made", _MEND, warning=True)
    age = now - found.created_at
    state = f"the last good one is {_age(age)} old ({write_utc(found.created_at)})"
    mend = _MEND if age > OLDEST else _NARROWER if found.as_owner else ""
    return Finding("Backup", state, mend, warning=bool(mend))


def _age(age: timedelta) -> str:
    hours = max(0, int(age.total_seconds() // 3600))
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"
