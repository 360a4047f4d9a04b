"""The installation to back up or restore: servers named by the environment, or embedded ones in a data folder."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import psycopg

from controlplane.backup.errors import BackupFailed
from controlplane.data_folder import (
    KEYS_FILE,
    SECRET_FILE,
    begin_setup,
    finish_setup,
    has_data,
    make_root,
    require_whole,
)
from controlplane.embedded.servers import EmbeddedServers
from controlplane.installation import (
    DATA_VARIABLE,
    DATABASE,
    OWNER,
    InstallationLock,
    data_root,
    embedded_environment,
    find_installation,
    names_servers,
)
from controlplane.preflight import check_settings
from foundation.database.roles import RolePasswords
from foundation.database.settings import with_settings
from foundation.settings import BACKUP_URL, Settings, is_given, read_settings

LOCK_SECONDS: Final = 2.0


class BackupTarget(msgspec.Struct, frozen=True):
    """Addresses and keys of a target. `backup_url` is that of the backup's own login, else the owner's. `passwords` are
    for restoring only. `vault_keys` is empty when none are configured. `keys_file` is the key file of an embedded
    installation.
    """

    backup_url: str
    owner_url: str
    admin_url: str
    app_url: str
    passwords: RolePasswords
    vault_keys: str
    keys_file: Path | None = None

    def __repr__(self) -> str:
        return "Target(…)"


@contextmanager
def opened_target(environment: Mapping[str, str], data: Path | None, *, fresh: bool) -> Iterator[BackupTarget]:
    """Open a target; stopped embedded servers run for the duration of the block. `fresh` allows a folder without
    data.
    """
    if names_servers(environment):
        settings = read_settings(environment, vault_needed=False, partial=True)
        check_settings(settings, "restore" if fresh else "backup")
        backup_url = settings.backup_url if is_given(environment, BACKUP_URL) else _backup_url(settings)
        passwords = settings.role_passwords if fresh else RolePasswords("", "", "")
        yield BackupTarget(
            backup_url, settings.owner_url, settings.owner_url, settings.app_url, passwords, settings.vault_keys
        )
        return
    chosen = {**environment, DATA_VARIABLE: str(data)} if data is not None else environment
    root = data_root(chosen)
    running = None if fresh else find_installation(chosen)
    # Data in the default folder take precedence over an installation that runs elsewhere.
    if running is not None and (running.root == root or not has_data(root)):
        found = running.settings()
        yield BackupTarget(
            _backup_url(found), found.owner_url, running.admin_url, found.app_url, found.role_passwords,
            found.vault_keys,
        )  # fmt: skip
        return
    if not fresh and not has_data(root):
        raise BackupFailed(f"There is no installation in {root}. Name its folder with --data, or set DATABASE_URL.")
    with _started(root, environment) as target:
        yield target


@contextmanager
def _started(root: Path, environment: Mapping[str, str]) -> Iterator[BackupTarget]:
    make_root(root)
    lock = InstallationLock(root)
    lock.take(seconds=LOCK_SECONDS)
    try:
        if has_data(root):
            require_whole(root, environment)
        begin_setup(root)
        with EmbeddedServers(root / "servers") as servers:
            servers.create_database(DATABASE, owner=OWNER)
            if not (root / SECRET_FILE).exists():
                write_private(root / SECRET_FILE, secrets.token_hex(32))
            yield _embedded(root, servers, environment)
        if (root / KEYS_FILE).exists():
            finish_setup(root)
    finally:
        lock.release()


def _embedded(root: Path, servers: EmbeddedServers, environment: Mapping[str, str]) -> BackupTarget:
    own, keys_file = embedded_environment(root, environment), root / KEYS_FILE
    if not keys_file.exists() and own.get("FAIRLEAD_VAULT_KEYS_FILE") == str(keys_file):
        del own["FAIRLEAD_VAULT_KEYS_FILE"]  # created by a restore
    found = read_settings(own, vault_needed=False)
    admin = servers.database_url(dbname=DATABASE)
    return BackupTarget(
        _backup_url(found), found.owner_url, admin, found.app_url, found.role_passwords, found.vault_keys, keys_file
    )


def _backup_url(settings: Settings) -> str:
    """The derived login, if `fairlead migrate` has created it: a backup is made before the migration of an upgrade."""
    if not settings.backup_url:
        return settings.owner_url
    try:
        with psycopg.connect(with_settings(settings.backup_url)):
            return settings.backup_url
    except psycopg.OperationalError:
        return settings.owner_url


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner can read.

    Raises:
        FileExistsError: the file exists.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
