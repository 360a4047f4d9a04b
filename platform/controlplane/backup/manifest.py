"""Signed manifest of a backup: its files, the rows of each table, the audit heads and the required keys."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from controlplane.backup.errors import BackupInvalid
from controlplane.backup.sealing import WrappedDataKey
from foundation.decoding import decode_json
from foundation.vault.errors import VaultSealed
from foundation.vault.key_ring import KeyRing

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
FORMAT: Final = 1
_PURPOSE: Final = b"fairlead backup manifest v1"


class FileFacts(msgspec.Struct, frozen=True):
    bytes: int
    sha256: str


class TableFacts(msgspec.Struct, frozen=True):
    """Row count and digest of a table. `digest` covers the rows' text, independent of order."""

    rows: int
    digest: str


class BackupAuditHead(msgspec.Struct, frozen=True):
    tenant_id: UUID
    msp_id: UUID
    seq: int
    hash: str


class BackupManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Contents of a backup. `signed_with` is the id of the signing vault key; `vault_keys` are the ids that the data
    needs.
    """

    format: int
    created_at: datetime
    revision: str
    server: int
    files: dict[str, FileFacts]
    tables: dict[str, TableFacts]
    heads: list[BackupAuditHead]
    vault_keys: list[str]
    signed_with: str
    sealed: WrappedDataKey | None = None


class Signature(msgspec.Struct, frozen=True):
    sha256: str
    hmac: str


def write_manifest(folder: Path, manifest: BackupManifest, ring: KeyRing) -> None:
    text = msgspec.json.format(msgspec.json.encode(manifest))
    (folder / MANIFEST).write_bytes(text)
    (folder / SIGNATURE).write_bytes(msgspec.json.encode(_sign(text, ring.get(manifest.signed_with))))


def read_manifest(folder: Path) -> BackupManifest:
    """Parse a manifest without verification. Nothing in it is trusted before `check_signature`."""
    try:
        text, signature = (folder / MANIFEST).read_bytes(), (folder / SIGNATURE).read_bytes()
    except OSError as error:
        raise BackupInvalid(
            f"{folder} is not a whole backup: {Path(error.filename or MANIFEST).name} is missing or unreadable."
        ) from error
    try:
        if decode_json(signature, type=Signature).sha256 != hashlib.sha256(text).hexdigest():
            raise BackupInvalid(f"{MANIFEST} was changed after it was written. Use another backup.")
        manifest = decode_json(text, type=BackupManifest)
    except msgspec.MsgspecError as error:
        raise BackupInvalid(f"{MANIFEST} is not one that this release can read. Use another backup.") from error
    if manifest.format != FORMAT:
        raise BackupInvalid(f"The backup has format {manifest.format}; this release reads {FORMAT}.")
    return manifest


def check_signature(folder: Path, manifest: BackupManifest, ring: KeyRing) -> None:
    """Verify the signature: only a holder of the vault's key can have written the manifest.

    Raises:
        BackupInvalid: a key is missing, or the manifest was changed after signing.
    """
    for key_id in {manifest.signed_with, *manifest.vault_keys}:
        try:
            ring.get(key_id)
        except VaultSealed as error:
            raise BackupInvalid(
                f"The vault's key {key_id}, which this backup needs, is not given. Use --vault-keys-file."
            ) from error
    given = decode_json((folder / SIGNATURE).read_bytes(), type=Signature)
    expected = _sign((folder / MANIFEST).read_bytes(), ring.get(manifest.signed_with))
    if not hmac.compare_digest(given.hmac, expected.hmac):
        raise BackupInvalid(
            f"{MANIFEST} was changed, or its vault's key {manifest.signed_with} is another one of that name."
        )


def check_files(folder: Path, manifest: BackupManifest) -> None:
    """Verify size and SHA-256 of each file."""
    for name, facts in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise BackupInvalid(f"{folder} is not a whole backup: {name} is missing.")
        if path.stat().st_size != facts.bytes or sha256_of(path) != facts.sha256:
            raise BackupInvalid(f"{name} was cut or changed after it was written. Use another backup.")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_parts(path: Path, size: int = 1024 * 1024) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(size):
            yield part


def _sign(text: bytes, kek: bytes) -> Signature:
    key = hmac.digest(kek, _PURPOSE, "sha256")
    return Signature(hashlib.sha256(text).hexdigest(), b64encode(hmac.digest(key, text, "sha256")).decode())
