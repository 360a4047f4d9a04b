"""Integrity checks of an embedded installation's data folder. No part is recreated beside existing data."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from controlplane.embedded.errors import EmbeddedServerFailed
from controlplane.embedded.os_user import existing_server_uid
from controlplane.embedded.paths import embedded_paths
from controlplane.embedded.valkey import read_passwords
from foundation.settings import LEAST_SECRET, shorten
from foundation.vault.key_ring import KeyRing

POSTGRES_MAJOR = "18"
SECRET_FILE = "secret.key"  # noqa: S105 - a file's name
KEYS_FILE = "vault.keys"
_UNFINISHED_FILE = "setup.unfinished"
"""Exists from the first to the last step of the first start: until then no data can be lost."""
_RESTORE = "Restore this folder from a backup, or move it away to begin with an empty installation."


class FolderProblem(msgspec.Struct, frozen=True):
    state: str
    mend: str


def require_whole(root: Path, environment: Mapping[str, str]) -> None:
    """Raises `EmbeddedServerFailed` with the first problem and its remedy."""
    for problem in find_problems(root, environment):
        raise EmbeddedServerFailed(f"{problem.state}. {problem.mend}")


def find_problems(root: Path, environment: Mapping[str, str]) -> list[FolderProblem]:
    """Problems of the data in `root`; empty before the first start."""
    if not root.exists():
        return []
    closed = list(_closed(root))
    return closed or [*_database(root), *_secrets(root, environment), *_passwords(root)]


def make_root(root: Path) -> None:
    """Create the folder. Raises `EmbeddedServerFailed` when that is impossible."""
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is not a folder" if isinstance(error, FileExistsError) else error.strerror
        raise EmbeddedServerFailed(
            f"The data folder {shorten(str(root), 200)} cannot be made: {reason}. Choose another folder with --data."
        ) from error


def begin_setup(root: Path) -> None:
    if not has_data(root):
        (root / _UNFINISHED_FILE).touch(mode=0o600)


def finish_setup(root: Path) -> None:
    (root / _UNFINISHED_FILE).unlink(missing_ok=True)


def _is_unfinished(root: Path) -> bool:
    return (root / _UNFINISHED_FILE).exists()


def has_data(root: Path) -> bool:
    data = embedded_paths(root / "servers").postgres_data
    return data.is_dir() and any(data.iterdir())


def _closed(root: Path) -> Iterator[FolderProblem]:
    paths = embedded_paths(root / "servers")
    for folder in (root, paths.root, paths.postgres_data, paths.valkey_data):
        if not folder.exists():
            continue
        found = folder.stat()
        if not stat.S_ISDIR(found.st_mode):
            yield FolderProblem(f"{folder} is not a folder", "Move it away, or choose another folder with --data.")
        elif os.geteuid() != 0 and found.st_uid != os.geteuid():
            yield FolderProblem(
                f"{folder} belongs to another user (uid {found.st_uid})",
                f"Start as that user, or run `chown -R {os.geteuid()} {folder}` as root.",
            )
        elif os.geteuid() == 0 and found.st_uid not in {0, existing_server_uid()}:
            yield FolderProblem(
                f"{folder} belongs to another user (uid {found.st_uid})", f"Run `chown -R root {folder}`."
            )
        elif os.statvfs(folder).f_flag & os.ST_RDONLY:
            yield FolderProblem(
                f"{folder} is on a read-only file system", "Mount it for writing, or choose another folder."
            )
        elif stat.S_IMODE(found.st_mode) & stat.S_IRWXU != stat.S_IRWXU:
            yield FolderProblem(f"{folder} is closed to its owner", f"Run `chmod u+rwx {folder}`.")


def _database(root: Path) -> Iterator[FolderProblem]:
    data = embedded_paths(root / "servers").postgres_data
    if not has_data(root):
        kept = [name for name in (SECRET_FILE, KEYS_FILE) if (root / name).exists()]
        if kept and not _is_unfinished(root):
            yield FolderProblem(f"The database in {data} is missing, although {root / kept[0]} is there", _RESTORE)
        return
    try:
        version = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        version = ""
    except (OSError, UnicodeDecodeError):
        version = "unreadable"
    if version.isdigit() and version != POSTGRES_MAJOR:
        yield FolderProblem(
            f"{data} is of PostgreSQL {version}, and this version of Fairlead runs PostgreSQL {POSTGRES_MAJOR}",
            "Start the version that wrote it, back it up there, and restore the backup with this one.",
        )
    elif version != POSTGRES_MAJOR:
        state = f"{data} is not a whole database of PostgreSQL {POSTGRES_MAJOR} (version {version or 'missing'})"
        yield FolderProblem(state, _RESTORE)
    else:
        missing = [part for part in ("global/pg_control", "base", "pg_wal", "pg_xact") if not (data / part).exists()]
        if missing:
            yield FolderProblem(f"{data / missing[0]} is missing: the database is not whole", _RESTORE)


def _secrets(root: Path, environment: Mapping[str, str]) -> Iterator[FolderProblem]:
    begun = has_data(root) and not _is_unfinished(root)
    for name, file in (("FAIRLEAD_VAULT_KEYS", KEYS_FILE), ("FAIRLEAD_SECRET_KEY", SECRET_FILE)):
        if environment.get(name) or environment.get(f"{name}_FILE"):
            continue
        path = root / file
        if path.exists():
            yield from _unusable(path)
        elif begun:
            lost = (
                "Put your copy of it back, readable by its owner only: without it no stored secret can be read."
                if file == KEYS_FILE
                else "Put your copy of it back. If there is none, make one with"
                f" `(umask 077; openssl rand -hex 32 > {path})`: everybody signs in again, nothing else is lost."
            )
            yield FolderProblem(f"{path} is missing beside existing data", lost)


def _passwords(root: Path) -> Iterator[FolderProblem]:
    path = embedded_paths(root / "servers").valkey_passwords
    try:
        read_passwords(path)
    except (OSError, msgspec.DecodeError):
        yield FolderProblem(
            f"{path} cannot be read", "Remove it: the next start makes new passwords, and nothing is lost."
        )


def _unusable(path: Path) -> Iterator[FolderProblem]:
    copy = "Put your copy of it back."
    try:
        text = path.read_text(encoding="ascii")
        if path.name == KEYS_FILE:
            KeyRing.parse(text)
        elif len(text.strip()) < LEAST_SECRET:
            yield FolderProblem(f"{path} has fewer than {LEAST_SECRET} characters", copy)
    except PermissionError:
        yield FolderProblem(f"{path} is closed to this user", f"Run `chmod 600 {path}` as its owner.")
        return
    except (OSError, ValueError):
        yield FolderProblem(f"{path} cannot be read as keys", copy)
        return
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        yield FolderProblem(f"{path} is open to other users", f"Run `chmod 600 {path}`.")
