"""What `fairlead doctor` finds in the embedded servers' folder, the vault and the waiting work."""

import stat
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import psycopg

from controlplane.embedded.paths import embedded_paths
from foundation.errors import DomainError
from foundation.lanes.ring import SHARED_POOL
from foundation.settings import Settings
from foundation.vault.envelope import unwrap
from foundation.vault.key_ring import KeyRing

PATIENCE = timedelta(minutes=5)
"""Work that is ready is begun within seconds; whatever is older has nobody to do it."""
_POSTGRES_MAJOR = "18"


class Finding(msgspec.Struct, frozen=True):
    """`mend` is empty when all is well."""

    what: str
    state: str
    mend: str = ""


def embedded_data(root: Path) -> Finding:
    """The folder of `fairlead up`, which does not exist before its first run."""
    what, paths = "Embedded data", embedded_paths(root)
    if not root.exists():
        return Finding(what, f"none yet in {root}")
    for folder in (root, paths.postgres_data, paths.valkey_data):
        if folder.exists() and stat.S_IMODE(folder.stat().st_mode) & stat.S_IRWXU != stat.S_IRWXU:
            return Finding(what, f"{folder} is closed to its owner", f"Run `chmod u+rwx {folder}`.")
    try:
        version = (paths.postgres_data / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        version = ""
    except (OSError, UnicodeDecodeError):
        version = "unreadable"
    begun = paths.postgres_data.is_dir() and any(paths.postgres_data.iterdir())
    if begun and version != _POSTGRES_MAJOR:
        return Finding(
            what, f"{paths.postgres_data} is not of PostgreSQL {_POSTGRES_MAJOR} (version {version or 'missing'})",
            "Restore this folder from a backup, or move it away to begin with an empty installation.",
        )  # fmt: skip
    try:
        KeyRing.parse((root / "vault.keys").read_text(encoding="ascii"))
    except FileNotFoundError:
        if begun:
            mend = "Put your copy of it back: without it no stored secret can be read."
            return Finding(what, f"{root / 'vault.keys'} is missing", mend)
    except (OSError, ValueError):
        return Finding(what, f"{root / 'vault.keys'} cannot be read as keys", "Put your copy of it back.")
    return Finding(what, f"whole in {root}")


async def vault_opens(settings: Settings) -> Finding:
    """One data key for each key that wraps some: what is stored can be read with the keys that are configured."""
    ring = KeyRing.parse(settings.vault_keys)
    async with await psycopg.AsyncConnection.connect(settings.intake_url, connect_timeout=5) as connection:
        cursor = await connection.execute(
            "SELECT DISTINCT ON (kek_id) kek_id, tenant_id, id, wrapped FROM vault_key ORDER BY kek_id, created_at DESC"
        )
        return judge_keys(ring, await cursor.fetchall())


def judge_keys(ring: KeyRing, rows: Iterable[tuple[str, UUID, UUID, bytes]]) -> Finding:
    closed = []
    for kek_id, tenant_id, key_id, wrapped in rows:
        try:
            unwrap(ring, tenant_id, key_id, bytes(wrapped))
        except DomainError:
            closed.append(kek_id)
    if not closed:
        return Finding("Stored secrets", "open with the vault's keys")
    mend = f"Put the former {', '.join(closed)} into FAIRLEAD_VAULT_KEYS again, behind the current key, and restart."
    return Finding("Stored secrets", f"those under {', '.join(closed)} do not open", mend)


async def work_is_done(settings: Settings) -> list[Finding]:
    async with await psycopg.AsyncConnection.connect(settings.relay_url, connect_timeout=5) as connection:
        cursor = await connection.execute(
            "SELECT coalesce(s.pool, %s), max(clock_timestamp() - b.oldest)"
            " FROM lane_backlog() b LEFT JOIN lane_share s USING (tenant_id) GROUP BY 1 ORDER BY 1",
            (SHARED_POOL,),
        )
        waiting = await cursor.fetchall()
        cursor = await connection.execute("SELECT clock_timestamp() - min(due_at) FROM timer")
        late = await cursor.fetchone()
    return judge_work(waiting, late[0] if late is not None else None)


def judge_work(waiting: Iterable[tuple[str, timedelta]], late: timedelta | None) -> list[Finding]:
    """`waiting`: how long the oldest ready work of each pool has waited; `late`: how long the oldest timer is due."""
    findings = []
    for pool, age in waiting:
        if age <= PATIENCE:
            continue
        state = f"work of the pool {pool} has waited for {_minutes(age)}"
        tenant = pool.removeprefix("tenant-")
        mend = (
            "No worker is alive, or they are far too few: start `fairlead worker`, and look at its log."
            if pool == SHARED_POOL
            else f"Start `fairlead worker --tenant {tenant}`, or give the client back by `fairlead tenant unpin`."
        )
        findings.append(Finding("Workers", state, mend))
    if late is not None and late > PATIENCE:
        findings.append(Finding("Relay", f"a timer is late by {_minutes(late)}", "Start `fairlead relay`."))
    return findings or [Finding("Work", "none has waited long")]


def _minutes(age: timedelta) -> str:
    return f"{age // timedelta(minutes=1)} minutes"
