"""Further databases on the tests' server, for tests that check a whole database or change its schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from foundation.ids import new_id

if TYPE_CHECKING:
    from tests.conftest import Urls


@contextmanager
def another_database(admin_url: str, urls: "Urls", *, copy_of: str = "template1") -> Iterator["Urls"]:
    """URLs by role of an empty database with the same owner, dropped at the end. The roles exist already.

    `copy_of` is another database made by this function, without open connections: a copy is quicker than a
    migration. Rights on a database itself are not copied.
    """
    name = f"fairlead_{new_id().hex[-12:]}"
    with psycopg.connect(urls.owner) as connection:
        owner = connection.info.user
    with psycopg.connect(admin_url, autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
        connection.execute(create.format(*map(sql.Identifier, (name, owner, copy_of))))
    there = {
        role: urlsplit(getattr(urls, role))._replace(path=f"/{name}").geturl()
        for role in ("owner", "app", "intake", "relay", "backup")
    }
    yield replace(urls, **there)
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
