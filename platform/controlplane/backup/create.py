"""Backup creation: one snapshot, written to a temporary folder, verified by reading, then renamed."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import psycopg
from psycopg import IsolationLevel, sql

from controlplane.backup import contents
from controlplane.backup.errors import BackupFailed, BackupInvalid
from controlplane.backup.manifest import (
    FORMAT,
    BackupManifest,
    FileFacts,
    check_files,
    check_signature,
    read_manifest,
    read_parts,
    write_manifest,
)
from controlplane.backup.programs import connection_of, find_program, output_of, parts_of
from controlplane.backup.sealing import SealingKey, seal, unseal
from controlplane.migrate import MIGRATION_LOCK
from foundation.database.access import open_to_backup
from foundation.database.facts import RECORD_FACT
from foundation.database.partitions import SCHEMA
from foundation.database.roles import BACKUP
from foundation.database.settings import with_settings
from foundation.vault.key_ring import KeyRing

DUMP: Final = "database.dump"
KEYS: Final = "vault.keys"
SEALED: Final = ".sealed"
LAST_BACKUP: Final = "last_backup"


class LastBackup(msgspec.Struct, frozen=True):
    """`as_owner`: made with the owner's rights, because no login for backups exists."""

    created_at: datetime
    revision: str
    bytes: int
    as_owner: bool = False


def create_backup(
    url: str, *, vault_keys: str, out: Path, now: datetime, sealing: SealingKey | None = None
) -> tuple[Path, BackupManifest]:
    """Create a backup in a new folder under `out`, as the backup's role or as the owner. With `sealing` the files are
    encrypted and include the vault's keys.

    Raises:
        BackupFailed: no partial output is left behind.
    """
    ring = KeyRing.parse(vault_keys)
    folder = out / f"fairlead-{now:%Y%m%dT%H%M%SZ}"
    partial = folder.with_name(f"{folder.name}.partial")
    if folder.exists():
        raise BackupFailed(f"{folder} exists already. Wait a second, or choose another folder.")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700, parents=True)
    try:
        manifest = _write(url, partial, ring, now=now, sealing=sealing, vault_keys=vault_keys)
        check_backup(partial, ring, sealing.data_key if sealing else None)
        _sync(partial)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    with psycopg.connect(with_settings(url)) as connection:
        _record(connection, manifest, as_owner=_is_owner(connection))
    return folder, manifest


def _write(  # noqa: PLR0913 - what a backup is made of
    url: str, folder: Path, ring: KeyRing, *, now: datetime, sealing: SealingKey | None, vault_keys: str
) -> BackupManifest:
    with psycopg.connect(with_settings(url), autocommit=True) as connection:
        # Blocks migrations during the backup: a table created by one would be missing, an altered table would not match
        # the dump.
        with connection.transaction():
            connection.execute("SET LOCAL lock_timeout = '30s'")
            connection.execute("SELECT pg_advisory_lock_shared(%s)", (MIGRATION_LOCK,))
        if _is_owner(connection):
            open_to_backup(connection)
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            contents.enter_backup_role(connection)
            snapshot = contents.export_snapshot(connection)
            files = {}
            for name, plain in _plain_files(url, snapshot, vault_keys if sealing else ""):
                stored = name + SEALED if sealing else name
                parts = seal(sealing.data_key, name, plain) if sealing else plain
                files[stored] = _store(folder / stored, parts)
            manifest = BackupManifest(
                format=FORMAT,
                created_at=now,
                revision=contents.read_revision(connection),
                server=connection.info.server_version,
                files=files,
                tables=contents.read_tables(connection),
                heads=contents.read_heads(connection),
                vault_keys=contents.read_vault_keys(connection),
                signed_with=ring.current,
                sealed=sealing.wrapped if sealing else None,
            )
    for key_id in manifest.vault_keys:
        ring.get(key_id)
    write_manifest(folder, manifest, ring)
    for path in folder.iterdir():
        path.chmod(0o600)
    return manifest


def _is_owner(connection: psycopg.Connection[Any]) -> bool:
    found = connection.execute(
        "SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    return found == (True,)


def _plain_files(url: str, snapshot: str, vault_keys: str) -> Iterator[tuple[str, Iterable[bytes]]]:
    yield DUMP, _dump(url, snapshot)
    if vault_keys:
        yield KEYS, [vault_keys.encode()]


def _dump(url: str, snapshot: str) -> Iterator[bytes]:
    where, environment = connection_of(url)
    argv = [
        find_program("pg_dump"), "--format=custom", "--schema=public", f"--schema={SCHEMA}", f"--role={BACKUP}",
        "--enable-row-security", "--load-via-partition-root", f"--snapshot={snapshot}", "--lock-wait-timeout=30000",
        "--no-password", f"--dbname={where}",
    ]  # fmt: skip
    with output_of(argv, environment) as stream:
        yield from parts_of(stream)


def _store(path: Path, parts: Iterable[bytes]) -> FileFacts:
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for part in parts:
            file.write(part)
            digest.update(part)
            size += len(part)
        file.flush()
        os.fsync(file.fileno())
    return FileFacts(size, digest.hexdigest())


def check_backup(folder: Path, ring: KeyRing, data_key: bytes | None) -> BackupManifest:
    """Verify a full backup: signature, checksums, and the rows in the dump.

    Raises:
        BackupInvalid: with one sentence that names the problem.
    """
    manifest = read_manifest(folder)
    check_signature(folder, manifest, ring)
    check_files(folder, manifest)
    argv = [find_program("pg_restore"), "--file=-", "--data-only"]
    try:
        with output_of(argv, dict(os.environ), given=dump_parts(folder, manifest, data_key)) as stream:
            copied = contents.count_copied(stream)
    except BackupInvalid:
        raise
    except BackupFailed as error:
        raise BackupInvalid(f"{DUMP} cannot be read to its end: {error}") from error
    expected = {name: facts.rows for name, facts in manifest.tables.items()}
    if not expected or dict(copied) != expected:
        wrong = sorted(name for name in {*copied, *expected} if copied.get(name) != expected.get(name))
        raise BackupInvalid(
            f"The dump does not hold the rows that were counted in {', '.join(wrong[:3]) or 'any table'}."
            " Use another backup."
        )
    return manifest


def dump_parts(folder: Path, manifest: BackupManifest, data_key: bytes | None) -> Iterator[bytes]:
    """The decrypted dump as a stream; never written to disk."""
    if manifest.sealed is None:
        return read_parts(folder / DUMP)
    if data_key is None:
        raise BackupInvalid("This backup is encrypted. Give --passphrase-file or --private-key.")
    return unseal(data_key, DUMP, folder / (DUMP + SEALED))


def read_backup_vault_keys(folder: Path, manifest: BackupManifest, data_key: bytes | None) -> str:
    """Vault keys stored in the backup; empty when it has none."""
    if data_key is None or manifest.sealed is None or KEYS + SEALED not in manifest.files:
        return ""
    return b"".join(unseal(data_key, KEYS, folder / (KEYS + SEALED))).decode()


def record_restored(owner_url: str, manifest: BackupManifest) -> None:
    """Record the time of a restored backup for `fairlead doctor`: it counts as a good one, too."""
    with psycopg.connect(with_settings(owner_url)) as connection:
        connection.execute(RECORD_FACT, (LAST_BACKUP, _last_backup(manifest, as_owner=False)))


def _record(connection: psycopg.Connection[Any], manifest: BackupManifest, *, as_owner: bool) -> None:
    value = _last_backup(manifest, as_owner=as_owner)
    if as_owner:  # also where the schema is older than the function
        connection.execute(RECORD_FACT, (LAST_BACKUP, value))
        return
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(BACKUP)))
    connection.execute("SELECT record_backup(%s)", (value,))


def _last_backup(manifest: BackupManifest, *, as_owner: bool) -> str:
    size = sum(facts.bytes for facts in manifest.files.values())
    return msgspec.json.encode(LastBackup(manifest.created_at, manifest.revision, size, as_owner)).decode()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
