"""`fairlead backup` and `fairlead restore`."""

import os
from pathlib import Path

import click

from controlplane.backup.create import check_backup, create_backup, read_backup_vault_keys
from controlplane.backup.errors import BackupFailed, BackupInvalid
from controlplane.backup.manifest import BackupManifest, read_manifest
from controlplane.backup.restore import require_empty, require_known_revision, restore_database
from controlplane.backup.sealing import (
    SealingKey,
    open_with_passphrase,
    open_with_private_key,
    seal_for_recipient,
    seal_under_passphrase,
)
from controlplane.backup.target import BackupTarget, opened_target, write_private
from controlplane.cli.files import FolderPath
from foundation.clock import utc_now
from foundation.commands import JSON, CommandResult, print_result, read_first_line
from foundation.vault.key_ring import KeyRing

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_DATA = click.option("--data", type=FolderPath(), help="Folder of an embedded installation (`fairlead up`).")
_PASSPHRASE = click.option("--passphrase-file", type=_FILE, help="A file whose first line is the passphrase.")
_KEYS = click.option("--vault-keys-file", type=_FILE, help="File of the vault's keys, if they are not in the settings.")


@click.command()
@JSON
@click.option("--out", type=FolderPath(), required=True, help="Folder of the backups.")
@_DATA
@_PASSPHRASE
@click.option("--recipient", type=_FILE, help="A public key (X25519, PEM). Only its private key opens the backup.")
@_KEYS
def backup(
    out: Path, data: Path | None, passphrase_file: Path | None, recipient: Path | None, vault_keys_file: Path | None
) -> None:
    """Write a consistent backup to a new folder in --out, and read it again to verify it.

    With --passphrase-file or --recipient, the backup is encrypted and contains the vault's keys. Otherwise it does not
    contain them: keep a separate copy. Needs DATABASE_BACKUP_URL, or DATABASE_URL of the owner, or an embedded
    installation.
    """
    if passphrase_file and recipient:
        raise click.UsageError("Give --passphrase-file or --recipient, not both.")
    sealing = _sealing(passphrase_file, recipient)
    with opened_target(os.environ, data, fresh=False) as target:
        keys = _given_keys(target, vault_keys_file)
        if not keys:
            raise BackupFailed("The vault's keys are not given. Set FAIRLEAD_VAULT_KEYS, or use --vault-keys-file.")
        _ring(keys)  # keys that cannot be read are reported before anything is written
        folder, manifest = create_backup(target.backup_url, vault_keys=keys, out=out, now=utc_now(), sealing=sealing)
    rows = sum(facts.rows for facts in manifest.tables.values())
    size = sum(facts.bytes for facts in manifest.files.values())
    text = f"{folder}: {rows} rows in {len(manifest.tables)} tables, {size} bytes, verified."
    keys_note = (
        "It contains the vault's keys, encrypted."
        if sealing
        else f"The vault's keys ({', '.join(manifest.vault_keys) or 'none yet'}) are not in it. Keep a separate copy."
    )
    print_result(CommandResult(f"{text}\n{keys_note}", {"folder": str(folder), "rows": rows, "bytes": size}))


@click.command()
@JSON
@click.argument("folder", type=click.Path(path_type=Path))
@_DATA
@_PASSPHRASE
@click.option("--private-key", type=_FILE, help="The private key (X25519, PEM) of the backup's recipient.")
@_KEYS
@click.option(
    "--vault-keys-out", type=click.Path(path_type=Path), help="Write the vault's keys of the backup to this new file."
)
@click.option("--check", is_flag=True, help="Only verify the backup; restore nothing.")
def restore(  # noqa: PLR0913 - click passes options by name
    *,
    folder: Path,
    data: Path | None,
    passphrase_file: Path | None,
    private_key: Path | None,
    vault_keys_file: Path | None,
    vault_keys_out: Path | None,
    check: bool,
) -> None:
    """Restore the backup in FOLDER to an empty database, and verify row counts, checksums and audit chains.

    Without DATABASE_URL, it is restored to an embedded installation in --data, which `fairlead up` then runs.
    """
    manifest = read_manifest(folder)
    data_key = _data_key(manifest, passphrase_file, private_key)
    kept = read_backup_vault_keys(folder, manifest, data_key)
    if check:
        keys = _text(vault_keys_file) or kept or os.environ.get("FAIRLEAD_VAULT_KEYS", "")
        check_backup(folder, _ring(keys), data_key)
        facts = {"folder": str(folder), "created_at": manifest.created_at, "revision": manifest.revision}
        print_result(
            CommandResult(f"{folder} is complete: created at {manifest.created_at}, schema {manifest.revision}.", facts)
        )
        return
    _restore(folder, manifest, data_key, kept=kept, data=data, given=_text(vault_keys_file), out=vault_keys_out)


def _restore(  # noqa: PLR0913 - what the command was given
    folder: Path, manifest: BackupManifest, data_key: bytes | None, *, kept: str, data: Path | None, given: str,
    out: Path | None,
) -> None:  # fmt: skip
    if given or kept:  # before any server is started
        check_backup(folder, _ring(given or kept), data_key)
        require_known_revision(manifest)
    with opened_target(os.environ, data, fresh=True) as target:
        keys = given or kept or target.vault_keys
        ring = _ring(keys)
        require_empty(target.owner_url)
        if not (given or kept):
            check_backup(folder, ring, data_key)
        chains = restore_database(
            folder,
            manifest,
            data_key=data_key,
            owner_url=target.owner_url,
            admin_url=target.admin_url,
            app_url=target.app_url,
            passwords=target.passwords,
            ring=ring,
        )
        for path in (target.keys_file, out):
            if path is not None and not path.exists():
                write_private(path, keys)
    rows = sum(facts.rows for facts in manifest.tables.values())
    text = (
        f"Restored: {rows} rows in {len(manifest.tables)} tables as of {manifest.created_at}.\n"
        f"{chains} audit chains verified. Sessions are not in a backup: everyone must sign in again."
    )
    print_result(CommandResult(text, {"rows": rows, "audit_chains": chains, "created_at": manifest.created_at}))


def _sealing(passphrase_file: Path | None, recipient: Path | None) -> SealingKey | None:
    if passphrase_file is not None:
        return seal_under_passphrase(_text(passphrase_file))
    return seal_for_recipient(recipient.read_bytes()) if recipient is not None else None


def _data_key(manifest: BackupManifest, passphrase_file: Path | None, private_key: Path | None) -> bytes | None:
    if manifest.sealed is None:
        return None
    if passphrase_file is not None:
        return open_with_passphrase(manifest.sealed, _text(passphrase_file))
    if private_key is not None:
        return open_with_private_key(manifest.sealed, private_key.read_bytes())
    raise BackupInvalid("This backup is encrypted. Give --passphrase-file or --private-key.")


def _given_keys(target: BackupTarget, file: Path | None) -> str:
    return _text(file) or target.vault_keys


def _ring(keys: str) -> KeyRing:
    if not keys:
        raise BackupInvalid("The vault's keys are not in this backup. Name your copy of them with --vault-keys-file.")
    try:
        return KeyRing.parse(keys)
    except ValueError as error:
        raise BackupInvalid(f"The vault's keys cannot be read: {error}.") from error


def _text(path: Path | None) -> str:
    return read_first_line(path, "file").strip() if path is not None else ""
