"""`fairlead doctor` check: age of the last backup."""

from datetime import datetime, timedelta

import msgspec
import psycopg

from controlplane.backup.create import LAST_BACKUP, LastBackup
from controlplane.cli.checks import Finding
from foundation.clock import utc_now, write_utc
from foundation.database.settings import with_settings
from foundation.relations import INSTALLATION
from foundation.settings import Settings

OLDEST = timedelta(hours=26)
"""A daily backup that is two hours late."""
_MEND = "Run `fairlead backup`, daily, and keep the backups on another machine (docs/operations.md, “Backup”)."


async def last_backup(settings: Settings) -> Finding:
    async with await psycopg.AsyncConnection.connect(
        with_settings(settings.relay_url), connect_timeout=5
    ) as connection:
        cursor = await connection.execute(f"SELECT value::text FROM {INSTALLATION} i WHERE name = %s", (LAST_BACKUP,))
        row = await cursor.fetchone()
    found = msgspec.json.decode(row[0], type=LastBackup) if row is not None else None
    return judge_backup(found, utc_now())


def judge_backup(found: LastBackup | None, now: datetime) -> Finding:
    if found is None:
        return Finding("Backup", "none was ever made", _MEND, warning=True)
    age = now - found.created_at
    state = f"the last good one is {_age(age)} old ({write_utc(found.created_at)})"
    return Finding("Backup", state, _MEND if age > OLDEST else "", warning=age > OLDEST)


def _age(age: timedelta) -> str:
    hours = max(0, int(age.total_seconds() // 3600))
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"
