"""Titles of records: stored from source reports, shown beside keys, searchable."""

import unicodedata
from collections.abc import Iterable
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from foundation.text import clean_error_text
from governance.elements.contracts import Contracts
from governance.elements.rows import Observed

LONGEST_TITLE: Final = 300
_MATCHES: Final = 1_000
_SAVE: Final = BulkWrite.insert(
    "record_title",
    {"record_key": "varchar", "title": "varchar", "search": "varchar", "record_type": "varchar"},
    conflict="ON CONFLICT (tenant_id, record_key, record_type) DO UPDATE SET title = excluded.title,"
    " search = excluded.search WHERE record_title.title <> excluded.title",
)


class _Title(msgspec.Struct, frozen=True):
    record_key: str
    title: str
    search: str
    record_type: str


def fold_text(value: str) -> str:
    """Fold a text for comparison regardless of case and compatibility forms."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())


def like_pattern(value: str) -> str:
    """A LIKE pattern for texts containing `value` literally."""
    escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


async def save_titles(session: AsyncSession, observed: Iterable[Observed], contracts: Contracts) -> None:
    """Store titles that a source of truth of the record reports; another system cannot rename it. The last of a batch
    wins.
    """
    named: dict[tuple[str, str], str] = {}
    for item in observed:
        title = clean_error_text(item.observation.title, longest=LONGEST_TITLE).strip()
        if title and contracts.is_source(item.connection_id, item.observation.key):
            named[item.observation.record_key, item.observation.record_type] = title
    rows = [_Title(key, title, fold_text(title), kind) for (key, kind), title in sorted(named.items())]
    await _SAVE.execute(session, rows)


async def load_titles(session: AsyncSession, record_keys: Iterable[str | None]) -> dict[str, str]:
    """Load titles by record key; records without a known title are left out."""
    wanted = sorted({key for key in record_keys if key})
    if not wanted:
        return {}
    rows = await session.execute(
        text("""
            SELECT record_key, title FROM record_title WHERE tenant_id = :t AND record_key = ANY (:keys)
             ORDER BY record_type = 'product'  -- last, so that a product's name goes before another record's
        """),
        {"t": scope_of(session).tenant_id, "keys": wanted},
    )
    return {row.record_key: row.title for row in rows}


TITLE_OF: Final = """coalesce((SELECT t.title FROM record_title t
    WHERE t.tenant_id = {tenant} AND t.record_key = {key} ORDER BY t.record_type = 'product' DESC LIMIT 1), '')"""
"""As SQL: the title of a record, or empty; for lists of several clients, in the fleet's scope."""


def fold_in_sql(text_sql: str) -> str:
    """As SQL: the text folded as by `fold_text`."""
    return f'normalize(casefold(normalize({text_sql}, NFKC) COLLATE "pg_unicode_fast"), NFKC)'


def searched_row(alias: str) -> str:
    """As SQL, of row `alias`: its record's key or title contains the search text; binds by `search_binds`."""
    key = f"{alias}.record_key"
    return f"""({fold_in_sql(key)} LIKE :pattern OR {key} = ANY (ARRAY(
    SELECT t.record_key FROM record_title t
     WHERE t.tenant_id = :t AND t.search LIKE :pattern LIMIT {_MATCHES})))"""


def search_binds(searched: str) -> dict[str, object]:
    return {"pattern": like_pattern(fold_text(searched))}
