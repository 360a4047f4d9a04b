"""A file system that can be filled to its last byte: an image on a loop device, where mounting is permitted.

Elsewhere, triggers on the growing tables raise the database's error (SQLSTATE 53100).
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

_SIZE = 16 * 1024**3  # the image is sparse, and so is the file that fills it
_GROWING = ("source_event", "job", "change", "propagation", "audit_entry", "usage_event")
_REFUSE = """
    CREATE OR REPLACE FUNCTION drill_disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$
"""


class Disk:
    """`filler` is on the file system of the servers' data; None when no image could be mounted."""

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
            while size >= 4096:  # fills by gigabytes, then by halves, down to the last page
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, size)
                except OSError:
                    size //= 2

    def empty(self, admin_url: str) -> None:
        if self._filler is None:
            # One by one: locks of all tables at once would conflict with transactions that hold some of them.
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
    """`folder` on a file system of its own, if mounting is permitted."""
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
    """Unmount the image, also that of a killed run."""
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
