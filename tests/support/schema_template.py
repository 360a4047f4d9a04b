"""A PostgreSQL data folder with the migrated schema, created once per checkout and copied for each pytest process.

Copying takes a tenth of a CPU second; creating a cluster and migrating takes more than two.
"""

import asyncio
import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from controlplane.embedded.paths import postgres_programs
from foundation.database.roles import RolePasswords

ROOT = Path(__file__).parents[2]
DATABASE = "fairlead"
SOURCES = (
    "platform/canonical/currencies.py",
    "platform/controlplane/embedded",
    "platform/controlplane/migrate.py",
    "platform/controlplane/migrations",
    "platform/controlplane/stored_functions.py",
    "platform/foundation/database",
    "tests/support/schema_template.py",
    "tests/support/servers.py",
)
"""Files and folders that determine the contents of a migrated cluster."""


def copy_template(to: Path, *, owner: str, passwords: RolePasswords) -> None:
    """Copy a cluster with the migrated `DATABASE` to `to`, which does not exist yet. No server may run on it."""
    home = ROOT / "var" / "schema-template"
    home.mkdir(parents=True, exist_ok=True)
    wanted = home / current_fingerprint()
    with _locked(home / "lock", fcntl.LOCK_SH):
        if wanted.is_dir():
            _copy(wanted, to)
            return
    with _locked(home / "lock", fcntl.LOCK_EX):
        if not wanted.is_dir():  # another process may have created it meanwhile
            for outdated in (each for each in home.iterdir() if each.is_dir()):
                shutil.rmtree(outdated)
            _make(wanted, owner, passwords)
        _copy(wanted, to)


def current_fingerprint() -> str:
    return fingerprint(_sources(ROOT))


def fingerprint(sources: Iterable[Path]) -> str:
    """Hash of the files' contents, PostgreSQL's version, and the day, because migrations create partitions of coming
    months.
    """
    server = (postgres_programs() / "postgres").stat()
    digest = hashlib.sha256(f"{datetime.now(UTC):%Y-%m-%d} {server.st_size} {server.st_mtime_ns}".encode())
    for path in sources:
        content = path.read_bytes()
        digest.update(f"{path} {len(content)} ".encode() + content)
    return digest.hexdigest()[:32]


def _sources(root: Path) -> Iterator[Path]:
    for name in SOURCES:
        inside = [root / name] if (root / name).is_file() else sorted((root / name).rglob("*"))
        assert inside, f"{name} is missing: what decides the schema moved"
        yield from (path for path in inside if path.suffix in {".py", ".sql"})


def _make(target: Path, owner: str, passwords: RolePasswords) -> None:
    from controlplane.embedded.servers import EmbeddedServers
    from controlplane.migrate import migrate_schema, prepare_roles

    # Not below the checkout: the servers run as another user, who may not be allowed to enter it.
    with TemporaryDirectory(prefix="fairlead-template-") as folder:
        servers = EmbeddedServers(Path(folder), durable=False)
        servers.start()
        try:
            servers.create_database(DATABASE, owner=owner)
            asyncio.run(prepare_roles(servers.database_url(dbname=DATABASE), passwords))
            migrate_schema(servers.database_url(dbname=DATABASE, role=owner))
        finally:
            servers.stop()
        unfinished = target.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        _copy(servers.paths.postgres_data, unfinished)
        unfinished.rename(target)


def _copy(source: Path, to: Path) -> None:
    subprocess.run(["cp", "--archive", "--reflink=auto", str(source), str(to)], check=True)


@contextmanager
def _locked(file: Path, kind: int) -> Iterator[None]:
    with file.open("a") as lock:
        fcntl.flock(lock, kind)
        yield
