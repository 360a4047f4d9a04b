"""Wrappers of pg_dump and pg_restore: program lookup, and connection arguments that do not expose a password."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from controlplane.backup.errors import BackupFailed
from controlplane.embedded.errors import EmbeddedServerFailed
from controlplane.embedded.paths import postgres_programs

_PART = 1024 * 1024


def find_program(name: str) -> str:
    """Path of the bundled program, else of the system's."""
    try:
        packaged = postgres_programs() / name
    except EmbeddedServerFailed:
        packaged = None
    if packaged is not None and packaged.is_file():
        return str(packaged)
    if found := shutil.which(name):
        return found
    raise BackupFailed(f"{name} is not installed. Install PostgreSQL's client programs, version 18 or newer.")


def connection_of(conninfo: str) -> tuple[str, dict[str, str]]:
    """Arguments and environment for a connection. The password goes to the environment: other users can read command
    lines.
    """
    parts = conninfo_to_dict(conninfo)
    password = parts.pop("password", None)
    environment = dict(os.environ) | ({"PGPASSWORD": str(password)} if password else {})
    return make_conninfo("", **parts), environment


@contextmanager
def output_of(argv: list[str], environment: dict[str, str], *, given: Iterable[bytes] = ()) -> Iterator[IO[bytes]]:
    """Standard output of the program, while `given` is fed to its standard input.

    Raises:
        BackupFailed: the program ended with an error; raised at the end of the block.
    """
    failures: list[BaseException] = []
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603 - our own program and options
            argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        stdin, stdout = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        feeder = threading.Thread(target=_feed, args=(stdin, given, failures), daemon=True)
        feeder.start()
        try:
            yield stdout
            stdout.read()  # output that the block did not read
            process.wait()
        finally:
            process.kill()
            feeder.join()
        errors.seek(0)
        reason = errors.read().decode("utf-8", "replace").strip().splitlines()
    if failures:
        raise failures[0]
    if process.returncode != 0:
        raise BackupFailed(f"{Path(argv[0]).name} failed: {reason[0].strip() if reason else 'it gave no reason'}")


def _feed(stdin: IO[bytes], given: Iterable[bytes], failures: list[BaseException]) -> None:
    """Feed standard input. A broken pipe is ignored: the program's own error output has the reason."""
    try:
        for part in given:
            stdin.write(part)
    except BrokenPipeError:
        return
    except BaseException as error:  # noqa: BLE001 - raised by the code that waits for the program
        failures.append(error)
    finally:
        with contextlib.suppress(BrokenPipeError):
            stdin.close()


def parts_of(stream: IO[bytes]) -> Iterator[bytes]:
    while part := stream.read(_PART):
        yield part
