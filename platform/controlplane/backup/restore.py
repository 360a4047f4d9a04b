"""Restore of a backup into an empty database, verified against the manifest."""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from controlplane.backup import contents
from controlplane.backup.create import dump_parts, record_restored
from controlplane.backup.errors import BackupFailed, BackupInvalid
from controlplane.backup.manifest import BackupManifest
from controlplane.backup.programs import connection_of, find_program, output_of
from controlplane.migrate import alembic_config, migrate_schema, prepare_roles
from foundation.audit.chain import ChainPoint, verify_chain
from foundation.database.access import open_to_backup
from foundation.database.engine import Database
from foundation.database.partitions import SCHEMA
from foundation.database.roles import RolePasswords
from foundation.database.settings import with_settings
from foundation.errors import DomainError
from foundation.relations import VAULT_KEYS
from foundation.scope import Actor, Scope
from foundation.vault.envelope import unwrap
from foundation.vault.key_ring import KeyRing

_ACTOR: Final = Actor.system("restore")
# Excluded: these belong to the database or its owner; `fairlead migrate` recreates them.
_LEFT_OUT: Final = (
    " SCHEMA - public ", " COMMENT - SCHEMA public ", " DEFAULT ACL ", " EXTENSION ", " ACL - SCHEMA public ",
    f" POLICY {SCHEMA} ",
)  # fmt: skip


def require_empty(owner_url: str) -> None:
    """Raises `BackupFailed` when the database contains user objects."""
    with psycopg.connect(with_settings(owner_url)) as connection:
        found = connection.execute(
            "SELECT c.relname FROM pg_class c"
            " WHERE c.relnamespace IN ('public'::regnamespace, to_regnamespace(%s)) AND NOT EXISTS"
            " (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') ORDER BY 1 LIMIT 1",
            (SCHEMA,),
        ).fetchone()
    if found is not None:
        raise BackupFailed(
            f"The database is not empty (it has {found[0]}), and nothing in it is overwritten. Restore into a new one."
        )


def require_known_revision(manifest: BackupManifest) -> None:
    try:
        ScriptDirectory.from_config(alembic_config()).get_revision(manifest.revision)
    except CommandError as error:
        raise BackupInvalid(
            f"The backup was made by a newer release (its schema is at {manifest.revision}). Restore it with that one."
        ) from error


def restore_database(  # noqa: PLR0913 - what a restore needs
    folder: Path,
    manifest: BackupManifest,
    *,
    data_key: bytes | None,
    owner_url: str,
    admin_url: str,
    app_url: str,
    passwords: RolePasswords,
    ring: KeyRing,
) -> int:
    """Restore in one transaction, verify against the manifest, then migrate forward. Returns the number of chains
    verified.

    `admin_url` must name a role that may create roles: the owner, or the embedded server's superuser.

    Raises:
        BackupFailed: with the remedy. The database stays empty unless the data was fully loaded.
    """
    require_empty(owner_url)
    require_known_revision(manifest)
    asyncio.run(prepare_roles(admin_url, passwords))
    _load(folder, manifest, data_key, owner_url)
    _compare(manifest, owner_url)
    migrate_schema(owner_url)
    _open_keys(owner_url, ring)
    chains = asyncio.run(_verify_chains(app_url, manifest))
    record_restored(owner_url, manifest)
    return chains


def _load(folder: Path, manifest: BackupManifest, data_key: bytes | None, owner_url: str) -> None:
    program = find_program("pg_restore")
    where, environment = connection_of(owner_url)
    with output_of([program, "--list"], dict(os.environ), given=dump_parts(folder, manifest, data_key)) as stream:
        entries = [line for line in stream.read().decode().splitlines() if not any(w in line for w in _LEFT_OUT)]
    with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
        chosen.write("\n".join(entries) + "\n")
        chosen.flush()
        argv = [
            program, "--single-transaction", "--exit-on-error", "--no-owner", "--no-password",
            f"--use-list={chosen.name}", f"--dbname={where}",
        ]  # fmt: skip
        with output_of(argv, environment, given=dump_parts(folder, manifest, data_key)):
            pass


def _compare(manifest: BackupManifest, owner_url: str) -> None:
    with psycopg.connect(with_settings(owner_url), autocommit=True) as connection:
        open_to_backup(connection)  # partition policies name the owner, so the restore skipped them
    with psycopg.connect(with_settings(owner_url)) as connection, connection.transaction():
        contents.enter_backup_role(connection)
        tables, heads = contents.read_tables(connection), contents.read_heads(connection)
    wrong = sorted(name for name in {*tables, *manifest.tables} if tables.get(name) != manifest.tables.get(name))
    if wrong or heads != manifest.heads:
        raise BackupInvalid(
            f"What was restored differs from the backup in {', '.join(wrong[:3]) or 'the audit heads'}."
            " Do not use this database: drop it, and restore another backup."
        )


def _open_keys(owner_url: str, ring: KeyRing) -> None:
    with psycopg.connect(with_settings(owner_url)) as connection, connection.transaction():
        contents.enter_backup_role(connection)
        rows = connection.execute(f"SELECT tenant_id, id, wrapped, kek_id FROM {VAULT_KEYS} k").fetchall()
    for tenant_id, key_id, wrapped, kek_id in rows:
        try:
            unwrap(ring, tenant_id, key_id, bytes(wrapped))
        except DomainError as error:
            raise BackupFailed(
                f"The data is restored, but the vault's key {kek_id} does not open client {tenant_id}'s secrets."
                " Give the right keys to the processes before they start."
            ) from error


async def _verify_chains(app_url: str, manifest: BackupManifest) -> int:
    """Verify every audit chain up to the head in the manifest."""
    database = Database(app_url, pool_size=1, application_name="fairlead restore")
    broken: list[UUID] = []
    try:
        for head in manifest.heads:
            expected = [ChainPoint(head.seq, bytes.fromhex(head.hash))]
            scope = Scope(msp_id=head.msp_id, tenant_id=head.tenant_id, actor=_ACTOR)
            async with database.transaction(scope) as session:
                found = await verify_chain(session, expected=expected)
            if found.broken_at is not None:
                broken.append(head.tenant_id)
    finally:
        await database.close()
    if broken:
        raise BackupInvalid(
            f"The audit chain of {broken[0]} does not verify{' (and others)' if len(broken) > 1 else ''}."
            " The data is as it was backed up: look at it with `fairlead audit verify` before it is used."
        )
    return len(manifest.heads)
