"""Functions stored in the database: one SQL file per subject, always applied as a unit by a migration."""

from pathlib import Path

from sqlalchemy import Connection

_FOLDER = Path(__file__).parent / "migrations" / "functions"


def replace_functions(connection: Connection, subject: str) -> None:
    """Create or replace every function of `{subject}.sql`, with the rights that the file gives.

    To change a function, edit the file and apply it in a new migration, which first drops, if they exist, functions
    whose arguments change. A base applies the file as it is today, so a body may name a column that only a later
    migration adds: bodies are checked when they run.
    """
    source = (_FOLDER / f"{subject}.sql").read_text(encoding="utf-8")
    connection.exec_driver_sql("SET LOCAL check_function_bodies = off")
    connection.exec_driver_sql(source.replace("%", "%%"))
