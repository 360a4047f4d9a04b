"""Every list of the product, found from the application's routes: cursors, orders, filters, CSV, isolation."""

import csv
import importlib
import io
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from litestar import Litestar

from controlplane.rooms import ROOMS
from controlplane.stack import project_root
from foundation.web import pagination
from foundation.web.csv_export import as_column
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from governance.audit_trail.lists import build_audit_list
from tenants.web.lists import LIST
from tests.support.client_env import ClientEnv
from tests.support.list_rows import ListSample, Matches, Rows
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_env,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.slice_declarations import declarations
from tests.support.web_app import Visit, WebApp, set_up_msp

pytestmark = pytest.mark.slow
NO_SUCH = "no such"
UNCOUNTED = {"audit", "contracts", "usage-events"}
"""Lists whose page groups the rows, or shows their number itself."""
FORMULA = re.compile(r"[=+@\t\r]|-(?!\d)")


def declared() -> dict[str, ListDefinition[Any]]:
    """Definitions in all modules called `lists`."""
    found: dict[str, ListDefinition[Any]] = {}
    for path in project_root().rglob("lists.py"):
        inside = path.relative_to(project_root())
        if inside.parts[0] in {"platform", "tenants", "billing", "connectors", "branding"}:
            parts = inside.with_suffix("").parts
            module = importlib.import_module(".".join(parts[1:] if parts[0] == "platform" else parts))
            found |= {one.name: one for one in vars(module).values() if isinstance(one, ListDefinition)}
    return found


AUDIT = build_audit_list(ROOMS.audit_nouns)
LISTS = declared() | {AUDIT.name: AUDIT}
SAMPLES: dict[str, ListSample] = declarations("list_samples", "SAMPLES")
TESTED_ELSEWHERE: dict[str, str] = declarations("list_samples", "TESTED_ELSEWHERE")
"""By list, its test and the reason why it is not tested here."""


def addresses(app: Litestar, name: str) -> tuple[list[str], list[str]]:
    """Paths of a list's API route and of its export."""
    found = {
        route.path_format
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        if getattr(handler.opt.get(LIST), "name", None) == name
    }
    # A client's own lists come last, because the last one of an address is used.
    paths = sorted(found, key=lambda path: "{client" in path)
    return [path for path in paths if path.startswith("/api/")], [path for path in paths if path.endswith(".csv")]


def test_every_declared_list_has_a_route_and_rows_to_test_it_with(web_app: WebApp) -> None:
    assert len(LISTS) >= 17
    assert set(SAMPLES) | set(TESTED_ELSEWHERE) == set(LISTS)
    for name in LISTS:
        assert addresses(web_app.app, name)[0], f"{name} has no API route: list_route"


def identity(name: str, item: dict[str, Any]) -> str:
    if name == "approvals":
        return str(item["approval"]["id"])
    if name == "channel-changes":
        return f"{item['change_id']} {item['connection_id']}"
    if name == "fleet":
        return str(item["tenant_id"])
    return str(item.get("id") or item.get("seq") or [value for value in item.values() if isinstance(value, str)])


async def read(visit: Visit, path: str, **query: str) -> dict[str, Any]:
    answer = await visit.http.get(f"{path}?{urlencode(query)}", headers={"Accept": "application/json"})
    assert answer.status_code == 200, f"{path} {query}: {answer.text[:300]}"
    page: dict[str, Any] = answer.json()
    return page


async def table(visit: Visit, path: str, **query: str) -> list[dict[str, str]]:
    answer = await visit.http.get(f"{path}?{urlencode(query)}", headers={"Accept": "text/csv"})
    assert answer.status_code == 200, answer.text[:300]
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", sorted(SAMPLES))
async def test_a_list_is_whole_in_order_filtered_exported_and_only_its_own(
    web_app: WebApp, env: ClientEnv, other_env: ClientEnv, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition, add = LISTS[name], SAMPLES[name]
    mine, theirs = await set_up_msp(env, name="Calm Harbour"), await set_up_msp(other_env, name="Loud Harbour")
    rows, others, numbers = Rows(env, "MINE"), Rows(other_env, "THEIRS"), count(1)
    visit = await web_app.signed_in(mine.host, mine.admin)
    api, exports = addresses(web_app.app, name)
    path = api[-1].format(client=mine.slug)
    added = [await add_and_find(visit, path, definition, lambda: add(rows, next(numbers))) for _ in range(5)]
    for number in (1, 2):
        await add(others, number)
    whole = await read(visit, path, limit=str(definition.most))
    assert len(whole["items"]) >= 5
    assert whole["count"] is None, "nobody asked for it"
    await check_counts(visit, path, len(whole["items"]), monkeypatch)
    assert "THEIRS" not in str(whole)
    assert (whole["next_cursor"], whole["prev_cursor"]) == (None, None)

    await check_filters(visit, path, definition, added)
    for order in definition.orders:
        before = {identity(name, item) for item in (await read(visit, path, sort=order, limit="200"))["items"]}
        await walk(visit, path, name, order, before, lambda: add(rows, next(numbers)))
    await check_refusals(visit, path, definition)
    await check_csv(visit, path, definition)
    for export in exports:
        await check_export(visit, export.format(client=mine.slug), definition, mine.slug)
    stranger = await web_app.signed_in(theirs.host, theirs.admin)
    if "{client}" in api[-1]:
        for address in [path, *(export.format(client=mine.slug) for export in exports if "{client}" in export)]:
            assert (await stranger.http.get(address, headers={"Accept": "text/csv"})).status_code == 404
    for address in [*api, *exports]:
        answer = await stranger.http.get(address.format(client=theirs.slug), headers={"Accept": "text/csv"})
        assert answer.status_code == 200, address
        assert "MINE" not in answer.text


async def check_counts(visit: Visit, path: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The count is that of all rows, on every page; above the bound it is "more"."""
    first = await read(visit, path, count="true", limit="2")
    assert first["count"] == {"number": rows, "more": False}
    assert (await read(visit, path, count="true", limit="2", cursor=first["next_cursor"]))["count"] == first["count"]
    for most in (rows, rows - 1):
        monkeypatch.setattr(pagination, "COUNTED_AT_MOST", most)
        bounded = (await read(visit, path, count="true", limit="2"))["count"]
        assert bounded == {"number": most, "more": most < rows}
    monkeypatch.undo()


async def walk(  # noqa: PLR0917 - one walk
    visit: Visit, path: str, name: str, order: str, before: set[str], insert: Any
) -> None:
    """Every row that existed is read exactly once, forwards and backwards, while another is added."""
    seen: list[str] = []
    query = {"sort": order, "limit": "2"}
    page = await read(visit, path, **query)
    await insert()
    while True:
        seen += [identity(name, item) for item in page["items"]]
        if page["next_cursor"] is None:
            break
        page = await read(visit, path, cursor=page["next_cursor"], **query)
    assert len(seen) == len(set(seen)), order
    assert before <= set(seen), order
    back = [identity(name, item) for item in page["items"]]
    while page["prev_cursor"] is not None:
        page = await read(visit, path, cursor=page["prev_cursor"], **query)
        back = [*(identity(name, item) for item in page["items"]), *back]
    assert len(back) == len(set(back)), order
    assert before <= set(back), order
    assert [one for one in back if one in set(seen)] == seen, order


@dataclass(frozen=True)
class Added:
    """Identities of the items that a sample added to its list, usually one, and the sample's filter values for them."""

    items: set[str]
    matches: Matches


async def add_and_find(
    visit: Visit, path: str, definition: ListDefinition[Any], add: Callable[[], Awaitable[Matches | None]]
) -> Added:
    before = await identities(visit, path, definition)
    matches = await add() or {}
    assert set(matches) >= {one.name for one in definition.filters}, "the sample names no values for these filters"
    added = await identities(visit, path, definition) - before
    assert added, "the list does not show what the sample added"
    return Added(added, matches)


async def identities(visit: Visit, path: str, definition: ListDefinition[Any], **query: str) -> set[str]:
    page = await read(visit, path, limit=str(definition.most), count="true", **query)
    assert page["count"] == {"number": len(page["items"]), "more": False}, query
    return {identity(definition.name, item) for item in page["items"]}


async def check_filters(visit: Visit, path: str, definition: ListDefinition[Any], rows: Sequence[Added]) -> None:
    """Each filter value leaves exactly the rows whose sample names the value."""
    known = set[str]().union(*(row.items for row in rows))
    for one in definition.filters:
        values = {value for row in rows for value in row.matches[one.name]}
        if isinstance(one, ChoiceFilter):
            values |= {value for value, _ in one.options}
        elif isinstance(one, TextFilter):
            values.add(NO_SUCH)
        for value in sorted(values):
            fitting = [row.items for row in rows if value in row.matches[one.name] or not value]
            found = await identities(visit, path, definition, **{one.name: value})
            assert found & known == set[str]().union(*fitting), f"{one.name}={value}"


async def check_refusals(visit: Visit, path: str, definition: ListDefinition[Any]) -> None:
    for one in definition.filters:
        if isinstance(one, ChoiceFilter):
            refused = await visit.http.get(f"{path}?{urlencode({one.name: NO_SUCH})}")
            assert (refused.status_code, refused.json()["field"]) == (400, one.name)
            assert all(value in refused.json()["detail"] for value, _ in one.options)
            unknown = await visit.http.get(f"{path}?{urlencode({one.name + 's': ''})}")
            assert unknown.status_code == 400, "a typing error in a filter's name is told, too"
    for name in ("sort", "cursor"):
        refused = await visit.http.get(f"{path}?{urlencode({name: NO_SUCH})}")
        assert (refused.status_code, refused.json()["field"]) == (400, name)


async def check_csv(visit: Visit, path: str, definition: ListDefinition[Any]) -> None:
    """The file has the rows of the API in the same order, without text that a spreadsheet would execute."""
    lines = await table(visit, path)
    items = (await read(visit, path, limit=str(definition.most)))["items"]
    if definition.name == "audit":
        items = items[1:]  # the export itself
    assert len(lines) == len(items)
    columns = [column for column in definition.columns if isinstance(column, str)]
    assert list(lines[0]) == [as_column(column).name for column in definition.columns]
    for line, item in zip(lines, items, strict=True):
        for column in columns:
            assert line[as_column(column).name] == as_text(at(item, column)), column
        assert [cell for cell in line.values() if FORMULA.match(cell)] == []
    exported = await visit.http.get(f"{path}?sort={definition.sorts[0].name}", headers={"Accept": "text/csv"})
    assert exported.status_code == 200


async def check_export(visit: Visit, path: str, definition: ListDefinition[Any], slug: str) -> None:
    """The page's download: the file is named after the account and the list, and the export is audited."""
    answer = await visit.http.get(path)
    assert answer.status_code == 200, path
    disposition = answer.headers["content-disposition"]
    assert definition.name in disposition
    if slug in path:
        assert slug in disposition
        entries = await read(visit, f"/api/v1/clients/{slug}/audit", subject=f"list:{definition.name}")
        assert {entry["action"] for entry in entries["items"]} == {"list.exported"}
    page = path.removesuffix(".csv")
    shown = await visit.get(page)
    if shown.status_code == 200:
        assert f'href="{path}"' in shown.text
        if definition.name not in UNCOUNTED:
            assert re.search(r"\d in all<", shown.text), "the page tells how many rows there are"
    for one in definition.filters:
        if isinstance(one, ChoiceFilter) and shown.status_code == 200 and not one.hidden:
            refused = await visit.get(f"{page}?{urlencode({one.name: 'no such'})}")
            assert refused.status_code == 400
            assert "is not a value of" in refused.text


def at(item: Any, path: str) -> Any:
    for name in path.split("."):
        item = None if item is None else item.get(name)
    return item


def as_text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else str(value)


def test_each_list_is_declared_in_a_module_called_lists() -> None:
    root = project_root()
    wrong = [
        str(path.relative_to(root))
        for room in ("platform", "tenants", "billing", "connectors")
        for path in Path(root / room).rglob("*.py")
        if re.search(r"= ListDefinition\[", path.read_text()) and path.name != "lists.py"
    ]
    assert wrong == []
