"""Display names of the authors of changes and approvals."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.i18n.localizer import translate
from tenants.relations import API_KEYS, MEMBERS

_MACHINE = "connection:"


async def name_authors(session: AsyncSession, authors: Iterable[str | None], *, me: str = "") -> dict[str, str]:
    """Names of members and connections by author id; the reader, `me`, is “You”.

    Staff of the MSP are not members of the client's account, so they get a general name.
    """
    wanted = {author for author in authors if author}
    connections = [UUID(name.removeprefix(_MACHINE)) for name in wanted if name.startswith(_MACHINE)]
    ids = [one for name in wanted if not name.startswith(_MACHINE) and (one := _as_id(name)) is not None]
    rows = await session.execute(
        text(f"""
            SELECT 'connection:' || id AS author, name FROM {CONNECTIONS} n
             WHERE tenant_id = :t AND id = ANY (:connections)
             UNION ALL
            SELECT id::text, name FROM {MEMBERS} m WHERE tenant_id = :t AND id = ANY (:ids)
             UNION ALL
            SELECT id::text, name FROM {API_KEYS} k WHERE tenant_id = :t AND id = ANY (:ids)
        """),
        {"t": scope_of(session).tenant_id, "connections": connections, "ids": ids},
    )
    names = {row.author: row.name for row in rows}
    found = {author: names.get(author) or _stranger(author) for author in wanted}
    return found | ({me: translate("You")} if me in wanted else {})


async def find_members(session: AsyncSession, authors: Iterable[str]) -> frozenset[str]:
    """Return the authors who are members of this account; API keys, connections and the MSP's staff are not."""
    ids = [found for author in authors if (found := _as_id(author)) is not None]
    if not ids:
        return frozenset()
    rows = await session.execute(
        text(f"SELECT id::text FROM {MEMBERS} m WHERE tenant_id = :t AND id = ANY (:ids)"),
        {"t": scope_of(session).tenant_id, "ids": ids},
    )
    return frozenset(rows.scalars())


def _as_id(text_: str) -> UUID | None:
    try:
        return UUID(text_)
    except ValueError:
        return None


def _stranger(author: str) -> str:
    if author.startswith(_MACHINE):
        return translate("Deleted connection")
    return author if _as_id(author) is None else translate("Your service provider")
