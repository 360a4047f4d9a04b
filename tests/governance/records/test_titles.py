"""Search of changes by part of the SKU or product name in any case, and product names on pages."""

import pytest

from canonical.elements import STOCK
from foundation.clock import utc_now
from governance.changes.lists import CHANGES
from governance.changes.queries import list_changes
from governance.records.titles import load_titles
from tests.support.client_env import ClientEnv

NAME = "Straße Größe 42 – Bottle 100% steel"


async def named(env: ClientEnv, sku: str, title: str) -> None:
    await env.deliver(env.change(sku, STOCK, 7) | {"title": title})
    await env.work()


async def search(env: ClientEnv, text: str) -> set[str]:
    async with env.services.db.transaction(env.scope) as session:
        found = await list_changes(session, CHANGES.query(search=text), utc_now())
    return {change.record_key for change in found.items}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sku-001", True),
        ("KU-00", True),
        ("bottle", True),
        ("GRÖSSE", True),
        ("STRASSE", True),
        ("100%", True),
        ("100_", False),
        ("nothing", False),
    ],
)
async def test_by_any_case_a_part_of_the_key_or_the_name(env: ClientEnv, text: str, *, found: bool) -> None:
    await named(env, "SKU-001", NAME)
    assert ("SKU-001" in await search(env, text)) is found


@pytest.mark.parametrize(
    ("key", "text"),
    [("GR\u00d6\u00dfE-1", "gro\u0308sse"), ("gro\u0308\u00dfe-1", "GR\u00d6SSE-1"), ("\uff33KU-9", "sku-9")],
)
async def test_a_key_is_found_however_it_is_composed(env: ClientEnv, key: str, text: str) -> None:
    await named(env, key, NAME)
    assert await search(env, text) == {key}


async def test_a_name_is_the_source_of_truths_and_changes_with_it(env: ClientEnv, other_env: ClientEnv) -> None:
    await named(env, "SKU-001", "Old name")
    await named(env, "SKU-001", "New\x00 name")
    async with env.services.db.transaction(env.scope) as session:
        assert await load_titles(session, ["SKU-001", None, "SKU-404"]) == {
            "SKU-001": "New\N{REPLACEMENT CHARACTER} name"
        }
    assert await search(env, "old name") == set()
    async with other_env.services.db.transaction(other_env.scope) as session:
        assert await load_titles(session, ["SKU-001"]) == {}
