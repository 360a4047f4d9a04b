"""The installation that is backed up or restored: servers that the environment names, or embedded ones in a folder."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from controlplane.backup.errors import BackupFailed
from controlplane.data_folder import KEYS_FILE
from controlplane.embedded.servers import EmbeddedServers
from controlplane.installation import (
    DATABASE,
    embedded_environment,
)
from foundation.database.roles import RolePasswords
from foundation.settings import read_settings

LOCK_SECONDS: Final = 2.0


class Target(msgspec.Struct, frozen=True):
    """`vault_keys` is empty when none are given. `keys_file` is where an embedded installation keeps them."""

    owner_url: str
    admin_url: str
    app_url: str
    passwords: RolePasswords
    vault_keys: str
    keys_file: Path | None = None

    def __repr__(self) -> str:
        return "Target(…)"


@contextmanager
def opened_target(environment: Mapping[str, str], data: Path | None, *, fresh: bool) -> Iterator[Target]:
    """Embedded servers that do not run are started for the time of the block. `fresh` allows a folder without data."""
    if environment.get("DATABASE_URL") or environment.get("DATABASE_URL_FILE"):
        # Redis is not needed: nothing of it is backed up.
        settings = read_settings({"REDIS_URL": "unused", **environment}, vault_needed=False)
        yield Target(
            settings.owner_url, settings.owner_url, settings.app_url, settings.role_passwords, settings.vault_keys
        )
        return
    root = (data or default_root() / "up") / "servers"
    if not fresh and not (root / "postgres" / "PG_VERSION").is_file():
        raise BackupFailed(
            f"There is no installation in {root.parent}. Name its folder with --data, or set DATABASE_URL."
        )
    servers = EmbeddedServers(root)
    root.mkdir(parents=True, exist_ok=True)
    servers.start()
    try:
        servers.create_database(_DATABASE, owner=_OWNER)
        yield _embedded(root, servers, environment)
    finally:
        servers.stop()


def _embedded(root: Path, servers: EmbeddedServers, environment: Mapping[str, str]) -> Target:
    owner = servers.database_url(dbname=_DATABASE, role=_OWNER)
    keys_file, secret_file = root / "vault.keys", root / "secret.key"
    if not secret_file.exists():
        write_private(secret_file, secrets.token_hex(32))
    passwords = derive_passwords(secret_file.read_text().strip().encode())
    given = environment.get("FAIRLEAD_VAULT_KEYS", "")
    kept = keys_file.read_text(encoding="ascii").strip() if keys_file.exists() else given
    return Target(
        owner,
        servers.database_url(dbname=_DATABASE),
        with_role(owner, APP, passwords.app),
        passwords,
        kept,
        keys_file,
    )


def _embedded(root: Path, servers: EmbeddedServers, environment: Mapping[str, str]) -> Target:
    own, keys_file = embedded_environment(root, environment), root / KEYS_FILE
    if not keys_file.exists() and own.get("FAIRLEAD_VAULT_KEYS_FILE") == str(keys_file):
        del own["FAIRLEAD_VAULT_KEYS_FILE"]  # a restore brings it
    found = read_settings(own, vault_needed=False)
    admin = servers.database_url(dbname=DATABASE)
    return Target(found.owner_url, admin, found.app_url, found.role_passwords, found.vault_keys, keys_file)


def write_private(path: Path, text: str) -> None:
    """A new file that only its owner can read.

    Raises:
        FileExistsError: it is there already.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
