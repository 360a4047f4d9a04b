"""The installation that runs on this machine: its lock, and its discovery by other commands of the same user."""

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from io import BufferedRandom
from pathlib import Path
from typing import ClassVar

import msgspec

from controlplane.data_folder import has_data
from controlplane.embedded.paths import default_root
from controlplane.embedded.servers import EmbeddedServers
from controlplane.preflight import check_values
from foundation.errors import Unavailable
from foundation.marks import N_
from foundation.settings import SERVERS, VALKEY_URLS, Settings, SettingsInvalid, is_given, read_settings, shorten
from foundation.text import is_storable

DATA_VARIABLE = "FAIRLEAD_DATA"
DATABASE = "fairlead"
OWNER = "fairlead_owner"
LOCK_SECONDS = 30.0
"""Time limit for a former owner of the data folder to stop."""
_LOCK_NAME = "installation.lock"


class AlreadyRunning(Unavailable):
    code: ClassVar[str] = "already-running"
    title: ClassVar[str] = N_("This installation is already running")


class Running(msgspec.Struct, frozen=True):
    """Content of the lock file. It contains no secrets."""

    pid: int
    embedded: bool
    outbound_allowed: str = ""


class Installation(msgspec.Struct, frozen=True):
    root: Path
    running: Running

    def settings(self) -> Settings:
        """Settings of the running processes, from their data folder and their initial environment.

        Raises:
            SettingsInvalid: its keys are missing.
        """
        environment = self.environment()
        if self.running.embedded:
            environment = embedded_environment(self.root, environment)
        return read_settings(environment | {"FAIRLEAD_OUTBOUND_ALLOWED": self.running.outbound_allowed})

    @property
    def admin_url(self) -> str:
        """URL of a role that may alter the run-time roles: with embedded servers not the tables' owner."""
        if self.running.embedded:
            return EmbeddedServers(self.root / "servers").database_url(dbname=DATABASE)
        return self.settings().owner_url

    def environment(self) -> dict[str, str]:
        return _environment_of(self.running.pid)


class InstallationLock:
    """Lock held by the process that runs the installation, for the life of the process."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._file: BufferedRandom | None = None

    def take(self, *, seconds: float = LOCK_SECONDS) -> None:
        """Raises `AlreadyRunning` when another process still holds it after `seconds`."""
        deadline = time.monotonic() + seconds
        descriptor = os.open(self._root / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        file = os.fdopen(descriptor, "r+b")
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    file.close()
                    found = _read(self._root)
                    raise AlreadyRunning(
                        f"The installation in {self._root} runs already, as process {found.pid if found else '?'}. "
                        "End that process, or choose another folder with --data."
                    ) from None
                time.sleep(0.1)
            else:
                self._file = file
                return

    def describe(self, running: Running) -> None:
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(msgspec.json.encode(running))
            self._file.flush()

    def release(self) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


def embedded_environment(root: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` with the embedded servers' addresses, and with the stored secrets where it has none."""
    servers = EmbeddedServers(root / "servers")
    own = {name: value for name, value in environment.items() if name.removesuffix("_FILE") not in SERVERS}
    own["DATABASE_URL"] = servers.database_url(dbname=DATABASE, role=OWNER)
    own["REDIS_URL"] = servers.redis_url
    own |= {name: servers.redis_url_of(component) for component, name in VALKEY_URLS.items()}
    for name, file in (("FAIRLEAD_SECRET_KEY", "secret.key"), ("FAIRLEAD_VAULT_KEYS", "vault.keys")):
        if not own.get(name) and not own.get(f"{name}_FILE"):
            own[f"{name}_FILE"] = str(root / file)
    return own


def uses_own_servers(environment: Mapping[str, str]) -> bool:
    """Whether DATABASE_URL and REDIS_URL replace the embedded servers.

    Raises:
        SettingsInvalid: only one of them is set.
    """
    given = {name: is_given(environment, name) for name in SERVERS}
    if not any(given.values()):
        return False
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if not given[name]]
    if missing:
        named = next(name for name in SERVERS if given[name])
        raise SettingsInvalid(
            f"{named} is set and {missing[0]} is not. Set both DATABASE_URL and REDIS_URL to use your own servers,"
            " or none of them to use the embedded ones."
        )
    return True


def data_root(environment: Mapping[str, str]) -> Path:
    """Data folder of `fairlead up` without --data.

    Raises:
        SettingsInvalid: FAIRLEAD_DATA is not a valid folder name.
    """
    folder = environment.get(DATA_VARIABLE, "")
    if folder and (not is_storable(folder) or not folder.strip()):
        raise SettingsInvalid(f"{DATA_VARIABLE} is no folder's name in UTF-8.")
    return Path(folder or default_root() / "up").absolute()


def names_servers(environment: Mapping[str, str]) -> bool:
    return any(is_given(environment, name) for name in SERVERS)


def find_settings(environment: Mapping[str, str], *, vault_needed: bool = True, partial: bool = False) -> Settings:
    """Settings for the servers named by `environment`, else for the installation that runs here.

    Raises:
        SettingsInvalid: neither can be used; the text includes the remedy.
    """
    if names_servers(environment):
        settings = read_settings(environment, vault_needed=vault_needed, partial=partial)
        check_values(settings)
        return settings
    found = find_installation(environment)
    if found is None:
        root = data_root(environment)
        given = environment.get(DATA_VARIABLE) or has_data(root)
        where = f"in {shorten(str(root), 200)}" if given else "on this machine for this user"
        raise SettingsInvalid(
            f"DATABASE_URL is not set, and no installation runs {where}. Set DATABASE_URL and REDIS_URL to use your"
            " own servers, or start `fairlead up`, and call this command again while it runs."
        )
    return found.settings()


def find_installation(environment: Mapping[str, str]) -> Installation | None:
    """The installation in FAIRLEAD_DATA; else the default one, else a demonstration, else the only other one of this
    user.

    If the default folder has data but is not running, an installation elsewhere is not used.

    Raises:
        SettingsInvalid: there are several, and none of them is the default one.
    """
    root = data_root(environment)
    default = _running_in(root)
    if default is not None or environment.get(DATA_VARIABLE):
        return default
    demos = default_root() / "demo"
    found = [each for folder in _subfolders(demos) if (each := _running_in(folder)) is not None]
    if not found and not has_data(root):
        found = list(_running_anywhere())
    if len(found) > 1:
        folders = ", ".join(sorted(str(each.root) for each in found))
        raise SettingsInvalid(
            f"Several installations run: {folders}. Set {DATA_VARIABLE} to the folder of one of them."
        )
    return found[0] if found else None


def _subfolders(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _running_in(root: Path) -> Installation | None:
    running = _read(root)
    if running is None or not _holds(running.pid, root / _LOCK_NAME):
        return None
    return Installation(root, running)


def _running_anywhere() -> Iterator[Installation]:
    """Data folders whose lock is held by a process of this user."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            locks = [file for file in _open_files(int(entry.name)) if file.name == _LOCK_NAME]
            found = [each for lock in locks if (each := _running_in(lock.parent)) is not None]
            yield from (each for each in found if each.running.pid == int(entry.name))


def _read(root: Path) -> Running | None:
    try:
        return msgspec.json.decode((root / _LOCK_NAME).read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return None


def _holds(pid: int, lock: Path) -> bool:
    """Whether the process holds the lock: the kernel reuses the ids of ended processes."""
    return lock.resolve() in _open_files(pid)


def _open_files(pid: int) -> list[Path]:
    found = []
    try:
        for each in Path(f"/proc/{pid}/fd").iterdir():
            try:
                found.append(each.readlink())
            except OSError:  # closed concurrently
                continue
    except OSError:  # the process ended, or belongs to another user
        return []
    return found


def _environment_of(pid: int) -> dict[str, str]:
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise SettingsInvalid(
            f"The installation's process {pid} cannot be looked at: {error.strerror}. Use its own user."
        ) from error
    return dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)
