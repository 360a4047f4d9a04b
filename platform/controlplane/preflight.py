"""Checks before a process takes jobs: its settings, and the database's schema revision."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final
from uuid import UUID

import psycopg
import redis
import structlog
from alembic.script import ScriptDirectory

from controlplane.migrate import alembic_config
from foundation.database.settings import with_settings
from foundation.errors import DomainError
from foundation.outbound.settings import parse_allowed
from foundation.relations import VAULT_KEYS
from foundation.settings import (
    AUDIT_FILE,
    AUDIT_SECRET,
    AUDIT_URL,
    BACKUP_URL,
    VALKEY_URLS,
    Settings,
    SettingsInvalid,
    shorten,
)
from foundation.valkey import blocking_valkey_client
from foundation.vault.envelope import unwrap
from foundation.vault.key_ring import KeyRing

KEY_FORM: Final = (
    "FAIRLEAD_VAULT_KEYS is `id:base64 of 32 bytes`, several separated by commas, the current one first."
    " Make a key with `openssl rand -base64 32`."
)
_NETWORKS: Final = "FAIRLEAD_OUTBOUND_ALLOWED is networks separated by spaces, such as 10.1.0.0/16 or 10.1.2.3/32@8443."
_URLS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "web": (("app_url", "DATABASE_APP_URL"), ("intake_url", "DATABASE_INTAKE_URL")),
    "worker": (("app_url", "DATABASE_APP_URL"),),
    "relay": (("relay_url", "DATABASE_RELAY_URL"),),
    "migrate": (("owner_url", "DATABASE_URL"),),
    "retention": (("owner_url", "DATABASE_URL"), ("app_url", "DATABASE_APP_URL")),
    "restore": (("owner_url", "DATABASE_URL"), ("app_url", "DATABASE_APP_URL")),
    "backup": (),
    "command": (("app_url", "DATABASE_APP_URL"),),
}
_OF_SETTINGS: Final = (
    "password authentication failed",
    "does not exist",
    "no pg_hba.conf entry",
    "no password supplied",
    "permission denied for database",
    "unrecognized configuration parameter",
    "invalid value for parameter",
    "could not match",
)
"""Texts of permanent refusals by the database server: no retry."""
_RETRY_SECONDS = 1.0
_log = structlog.get_logger(__name__)


def check_settings(settings: Settings, process: str = "command") -> None:
    """Raises `SettingsInvalid` with the name of the invalid setting, never with its value."""
    for attribute, name in _URLS[process]:
        if not getattr(settings, attribute):
            if attribute == "owner_url":
                raise SettingsInvalid(f"{name} of the owner is not set. Only the owner may change tables.")
            raise SettingsInvalid(
                f"{name} is not set, nor are DATABASE_URL and FAIRLEAD_SECRET_KEY both, from which it would follow."
            )
    if process == "backup" and not (settings.backup_url or settings.owner_url):
        raise SettingsInvalid(f"{BACKUP_URL} is not set, nor is DATABASE_URL. One of them is needed to read every row.")
    if process in VALKEY_URLS and not settings.redis_url_of(process):
        raise SettingsInvalid(f"REDIS_URL is not set. Set it, or {VALKEY_URLS[process]} to this component's own URL.")
    if process == "web" and not settings.sessions_key:
        raise SettingsInvalid(
            "FAIRLEAD_SESSION_KEY is not set. All web processes share one, of at least 32 characters; make it with"
            " `openssl rand -hex 32`."
        )
    if process == "worker" and settings.audit_heads_url and not settings.audit_heads_secret:
        raise SettingsInvalid(
            f"{AUDIT_URL} is set and {AUDIT_SECRET} is not: exports of audit heads are signed with it."
        )
    if process == "worker" and settings.audit_heads_file:
        _require_writable(AUDIT_FILE, settings.audit_heads_file)
    check_values(settings)


def _require_writable(name: str, file: str) -> None:
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        raise SettingsInvalid(f"{name} names {shorten(file)}, which cannot be written: {reason}.") from None


def check_values(settings: Settings) -> None:
    """As `check_settings`, for commands that need no particular address."""
    try:
        if settings.vault_keys:
            KeyRing.parse(settings.vault_keys)
    except ValueError as error:
        raise SettingsInvalid(f"The vault's keys cannot be used: {error}. {KEY_FORM}") from None
    try:
        parse_allowed(settings.outbound_allowed)
    except ValueError as error:
        raise SettingsInvalid(f"{_NETWORKS} {shorten(str(error), 200)}.") from None


def unavailable_text(error: BaseException) -> str:
    """First line of a driver's error; contains the server's name and never the password."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def is_of_settings(error: BaseException) -> bool:
    return any(sign in str(error) for sign in _OF_SETTINGS)


@cache
def _known_revisions() -> tuple[str, frozenset[str]]:
    scripts = ScriptDirectory.from_config(alembic_config())
    return scripts.get_current_head() or "", frozenset(script.revision for script in scripts.walk_revisions())


def check_revision(current: str) -> str:
    """A sentence when the schema is too old for this program; empty when the revision is accepted.

    An unknown revision is a newer one: during an upgrade old processes continue beside it.
    """
    head, known = _known_revisions()
    if current == head or (current and current not in known):
        return ""
    where = f"at revision {current}" if current else "empty"
    return f"The database's schema is {where}, and this program needs {head}. Run `fairlead migrate`."


def read_revision(connection: psycopg.Connection[Any]) -> str:
    """Current revision; empty when there is none, or one from before the run-time roles could read it."""
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        return ""
    return str(row[0]) if row is not None else ""


def wait_for_schema(
    url: str, stop: threading.Event, *, tick: Callable[[], None], on_problem: Callable[[str], None]
) -> bool:
    """Wait until the database answers with this program's schema. False when `stop` was set.

    Each new reason to wait is logged once and passed to `on_problem`; an empty one means ready.

    Raises:
        SettingsInvalid: the database refuses permanently.
    """
    reported = None
    while not stop.is_set():
        problem = _schema_problem(url)
        on_problem(problem)
        if not problem:
            return True
        tick()
        if problem != reported:
            reported = problem
            _log.warning("database.not_ready", problem=problem)
        stop.wait(_RETRY_SECONDS)
    return False


def _schema_problem(url: str) -> str:
    with _connected(url) as found:
        return found if isinstance(found, str) else check_revision(read_revision(found))


def check_database(url: str) -> None:
    """Raises `SettingsInvalid` when the database refuses permanently."""
    with _connected(url) as found:
        if isinstance(found, str):
            _log.warning("database.not_ready", problem=found)


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any] | str]:
    """A connection, or a sentence with the reason that there is none."""
    try:
        connection = psycopg.connect(with_settings(url), connect_timeout=5, autocommit=True)
    except psycopg.OperationalError as error:
        if is_of_settings(error):
            raise SettingsInvalid(f"The database refuses this process: {unavailable_text(error)}.") from None
        yield f"The database cannot be reached: {unavailable_text(error)}"
        return
    with connection:
        yield connection


def check_valkey(url: str) -> None:
    """Raises `SettingsInvalid` when Valkey refuses the credentials. An unreachable Valkey is not an error: its users
    retry.
    """
    client = blocking_valkey_client(url)
    try:
        client.ping()
    except (redis.AuthenticationError, redis.exceptions.NoPermissionError) as error:
        raise SettingsInvalid(f"Valkey refuses the user or password in REDIS_URL: {unavailable_text(error)}.") from None
    except redis.ResponseError as error:
        if "DB index" in str(error):
            raise SettingsInvalid(f"Valkey has no database of the number in REDIS_URL: {error}.") from None
        _log.warning("valkey.away", error=unavailable_text(error))
    except redis.RedisError as error:
        _log.warning("valkey.away", error=unavailable_text(error))
    finally:
        client.close()


def closed_keys(ring: KeyRing, rows: Iterable[tuple[str, UUID, UUID, bytes]]) -> list[str]:
    """Ids of vault keys that wrap stored data keys and are missing from the key ring."""
    closed = []
    for kek_id, tenant_id, key_id, wrapped in rows:
        try:
            unwrap(ring, tenant_id, key_id, bytes(wrapped))
        except DomainError:
            closed.append(kek_id)
    return closed


async def find_closed_keys(settings: Settings) -> list[str]:
    """As `closed_keys`: tests one data key for each vault key."""
    async with await psycopg.AsyncConnection.connect(
        with_settings(settings.intake_url), connect_timeout=5
    ) as connection:
        cursor = await connection.execute(
            f"SELECT DISTINCT ON (kek_id) kek_id, tenant_id, id, wrapped FROM {VAULT_KEYS} k"
            " ORDER BY kek_id, created_at DESC"
        )
        return closed_keys(KeyRing.parse(settings.vault_keys), await cursor.fetchall())


def require_keys_open(settings: Settings) -> None:
    """Raises `SettingsInvalid` when the vault's keys do not match the database."""
    closed = asyncio.run(find_closed_keys(settings))
    if closed:
        raise SettingsInvalid(
            f"The vault's keys do not open what is stored under {', '.join(closed)}. Put the former keys back, behind"
            " the current one."
        )
