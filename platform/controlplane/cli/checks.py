"""`fairlead doctor` checks: the embedded servers' folder, the vault and the job backlog."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from controlplane.data_folder import find_problems
from controlplane.preflight import find_closed_keys
from foundation.clock import utc_now
from foundation.database.partitions import SCHEMA
from foundation.database.settings import with_settings
from foundation.jobs.ready_queue import SHARED_POOL
from foundation.relations import LANE_SHARES, TIMES_DUE
from foundation.settings import Settings

PATIENCE = timedelta(minutes=5)
"""Ready jobs start within seconds; an older one has no worker."""
PARTITIONS_AHEAD = timedelta(days=7)
_LONGEST_NAME = 63


class Finding(msgspec.Struct, frozen=True):
    """Result of a check. `mend` (the remedy) is empty on success. A `warning` does not make the command fail."""

    what: str
    state: str
    mend: str = ""
    warning: bool = False


def embedded_data(root: Path, environment: Mapping[str, str]) -> list[Finding]:
    """Check the data folder of `fairlead up`, which does not exist before the first run."""
    what = "Embedded data"
    if not root.exists():
        return [Finding(what, f"none yet in {root}")]
    problems = [Finding(what, problem.state, problem.mend) for problem in find_problems(root, environment)]
    return problems or [Finding(what, f"whole in {root}")]


async def vault_opens(settings: Settings) -> Finding:
    """Check that the configured keys decrypt the stored data."""
    return assess_vault_keys(await find_closed_keys(settings))


def assess_vault_keys(closed: list[str]) -> Finding:
    if not closed:
        return Finding("Stored secrets", "open with the vault's keys")
    mend = f"Put the former {', '.join(closed)} into FAIRLEAD_VAULT_KEYS again, behind the current key, and restart."
    return Finding("Stored secrets", f"those under {', '.join(closed)} do not open", mend)


async def partitions_are_ready(settings: Settings) -> Finding:
    async with await psycopg.AsyncConnection.connect(
        with_settings(settings.relay_url), connect_timeout=5
    ) as connection:
        cursor = await connection.execute(f"SELECT name, ends, beyond FROM {SCHEMA}.coverage()")
        return assess_partitions(await cursor.fetchall(), now=utc_now())


def assess_partitions(tables: Iterable[tuple[str, datetime, bool]], *, now: datetime) -> Finding:
    """Assess partitions. `tables`: each with the end of its last month, and whether its default partition has later
    rows.
    """
    rows = list(tables)
    missing = sorted(name for name, ends, beyond in rows if beyond or ends <= now + PARTITIONS_AHEAD)
    if not missing:
        return Finding("Partitions", f"ready until {min(ends for _, ends, _ in rows):%Y-%m-%d}")
    state = f"the coming month's partition is missing in {', '.join(missing)}; rows go to the default partition"
    return Finding("Partitions", state, "Start `fairlead relay`, which creates partitions, and look at its log.")


async def work_is_done(settings: Settings) -> list[Finding]:
    async with await psycopg.AsyncConnection.connect(
        with_settings(settings.relay_url), connect_timeout=5
    ) as connection:
        cursor = await connection.execute(
            "SELECT coalesce(s.pool, %s), max(clock_timestamp() - b.oldest)"
            f" FROM lane_backlog() b LEFT JOIN {LANE_SHARES} s USING (tenant_id) GROUP BY 1 ORDER BY 1",
            (SHARED_POOL,),
        )
        waiting = await cursor.fetchall()
        cursor = await connection.execute(f"SELECT clock_timestamp() - min(due_at) FROM {TIMES_DUE} t")
        late = await cursor.fetchone()
        relays = await _last_acts(connection, "fairlead relay")
    connecting = psycopg.AsyncConnection.connect(with_settings(settings.app_url), connect_timeout=5)
    async with await connecting as connection:
        workers = await _last_acts(connection, "fairlead worker ")
    active = [name for name, since in workers if since <= PATIENCE]
    relay = min((since for _, since in relays), default=None)
    return assess_jobs(waiting, late[0] if late is not None else None, relay=relay, workers=active)


async def _last_acts(connection: psycopg.AsyncConnection[Any], name: str) -> list[tuple[str, timedelta]]:
    """Connections of the same role and name prefix, with the time since the last query of each."""
    cursor = await connection.execute(
        "SELECT application_name, clock_timestamp() - state_change FROM pg_stat_activity"
        " WHERE usename = current_user AND starts_with(application_name, %s) AND state_change IS NOT NULL",
        (name,),
    )
    return await cursor.fetchall()


def assess_jobs(
    waiting: Iterable[tuple[str, timedelta]],
    late: timedelta | None,
    *,
    relay: timedelta | None,
    workers: Collection[str],
) -> list[Finding]:
    """`waiting`: age of the oldest ready job per pool; `late`: how long the oldest timer is overdue; `relay`: time
    since a relay was last active; `workers`: connection names of the active workers.
    """
    findings = []
    for pool, age in waiting:
        if age > PATIENCE:
            # PostgreSQL truncates names at 63 bytes, so a long worker name loses its end.
            served = any(name.startswith(f"fairlead worker {pool} "[:_LONGEST_NAME]) for name in workers)
            findings.append(_waiting(pool, age, served=served))
    if late is not None and late > PATIENCE:
        if relay is None:
            state = f"none is connected, and a timer is due since {_minutes(late)}"
            findings.append(Finding("Relay", state, "Start `fairlead relay`."))
        elif relay > PATIENCE:
            mend = "Look at its log, and restart `fairlead relay`."
            findings.append(Finding("Relay", f"has done nothing for {_minutes(relay)}", mend))
        else:
            findings.append(Finding("Relay", f"works; the oldest timer that rests is due since {_minutes(late)}"))
    return findings or [Finding("Work", "none has waited long")]


def _waiting(pool: str, age: timedelta, *, served: bool) -> Finding:
    state = f"work of the pool {pool} has waited for {_minutes(age)}"
    if served:
        return Finding("Workers", f"{state}; its workers are active, more of them would be faster")
    tenant = pool.removeprefix("tenant-")
    mend = (
        "No worker is active: start `fairlead worker`, and look at its log."
        if pool == SHARED_POOL
        else f"Start `fairlead worker --client {tenant}`, or return the client with `fairlead client unpin`."
    )
    return Finding("Workers", state, mend)


def _minutes(age: timedelta) -> str:
    return f"{age // timedelta(minutes=1)} minutes"
