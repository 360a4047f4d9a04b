"""OS user of the servers when this process is root: PostgreSQL refuses to run as root."""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from controlplane.embedded.errors import EmbeddedServerFailed

SERVER_USER = "fairlead"
OTHERS_SEARCH = stat.S_IXOTH


@dataclass(frozen=True)
class OsUser:
    uid: int
    gid: int


def server_user() -> OsUser | None:
    """OS user of the servers; None when this process is not root (the servers then run as the same user)."""
    if os.geteuid() != 0:
        return None
    entry = _find_user() or _create_user()
    return OsUser(uid=entry.pw_uid, gid=entry.pw_gid)


def _find_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        return None


def existing_server_uid() -> int | None:
    entry = _find_user()
    return entry.pw_uid if entry is not None else None


def _create_user() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    command = [useradd or "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/usr/sbin/nologin", SERVER_USER]
    problem = "useradd is not installed"
    if useradd:
        result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - constants only
        problem = result.stderr.strip()
    # Another process may have created the user concurrently; useradd then fails harmlessly.
    entry = _find_user()
    if entry is None:
        raise EmbeddedServerFailed(
            f"PostgreSQL does not run as root, and the OS user {SERVER_USER!r} could not be created: {problem}. "
            f"Create it ({' '.join(command)}), start as an ordinary user, or set DATABASE_URL and REDIS_URL."
        )
    return entry


def open_search(path: Path) -> None:
    """Let other users traverse the folders above `path` without listing them: adds only the search bit."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if mode & OTHERS_SEARCH:
            continue
        try:
            folder.chmod(stat.S_IMODE(mode) | OTHERS_SEARCH)
        except OSError as error:
            raise EmbeddedServerFailed(
                f"The OS user {SERVER_USER!r} cannot pass through {folder} ({error.strerror}). "
                f"Run `chmod o+x {folder}`, or keep the environment and the data elsewhere."
            ) from error


def open_reading(tree: Path) -> None:
    """Let other users read `tree` (the servers' own programs), in case a umask of 077 denied access at installation."""
    if tree.stat().st_mode & stat.S_IROTH:
        return
    for path in (*tree.rglob("*"), tree):  # the top last, as the marker that everything beneath is done
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IROTH | (OTHERS_SEARCH if mode & stat.S_IXUSR else 0))


def give(path: Path, user: OsUser | None) -> None:
    """Change the owner of `path` and everything beneath to `user`, unless the top already has that owner."""
    if user is None or path.stat().st_uid == user.uid:
        return
    for below in path.rglob("*"):
        os.chown(below, user.uid, user.gid, follow_symlinks=False)
    os.chown(path, user.uid, user.gid)
