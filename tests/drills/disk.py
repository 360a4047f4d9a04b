"""A file system that can be filled to its last byte: an image on a loop device, where this machine lets us mount one.

Where it does not, the database says what it would say (SQLSTATE 53100) from triggers on the tables that grow.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

_SIZE = 16 * 1024**3  # the image is sparse, and so is what fills it
_GROWING = ("source_event", "job", "change", "propagation", "audit_entry", "usage_event")
_REFUSE = """
    CREATE OR REPLACE FUNCTION drill_disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$
"""


class Disk:
    """`filler` is on the file system of the servers' data; None when none of its own could be mounted."""

    def __init__(self, filler: Path | None) -> None:
        self._filler = filler

    @property
    def is_real(self) -> bool:
        return self._filler is not None

    def fill(self, admin_url: str) -> None:
        if self._filler is None:
            _refuse_growth(admin_url)
            return
        with self._filler.open("ab") as file:
            size = 1 << 30
            while size >= 4096:  # what goes in by gigabytes, then by halves, to the last page
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, size)
                except OSError:
                    size //= 2

    def empty(self, admin_url: str) -> None:
        if self._filler is None:
            # One by one: who wants the locks of all tables at once stands in the way of those who have some of them.
            with psycopg.connect(admin_url, autocommit=True) as connection:
                for table in _GROWING:
                    connection.execute(f"DROP TRIGGER IF EXISTS drill_disk_full ON {table}".encode())
        else:
            self._filler.unlink(missing_ok=True)


def _refuse_growth(admin_url: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(_REFUSE)
        for table in _GROWING:
            connection.execute(
                f"CREATE TRIGGER drill_disk_full BEFORE INSERT ON {table} EXECUTE FUNCTION drill_disk_full()".encode()
            )


@contextmanager
def limited_disk(folder: Path) -> Iterator[Disk]:
    """`folder` on a file system of its own, if that is permitted here."""
    folder.mkdir(parents=True, exist_ok=True)
    image = folder.with_name(folder.name + ".image")
    mounted = _mount(image, folder)
    try:
        yield Disk(folder / "filler" if mounted else None)
    finally:
        if mounted:
            release(folder)
        image.unlink(missing_ok=True)


def release(folder: Path) -> None:
    """Unmount, also what a killed run left."""
    if os.path.ismount(folder):
        subprocess.run(["umount", "--lazy", folder], check=False, capture_output=True)


def _mount(image: Path, folder: Path) -> bool:
    with suppress(OSError, subprocess.CalledProcessError):
        with image.open("wb") as file:
            file.truncate(_SIZE)
        options = ["-q", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard"]
        subprocess.run(["mkfs.ext4", *options, image], check=True, capture_output=True)
        subprocess.run(["mount", "-o", "loop", image, folder], check=True, capture_output=True)
        return True
    return False
