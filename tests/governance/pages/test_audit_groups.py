"""The audit page has one row for each change, not one for each entry, and can be filtered."""

import random
import re
from collections.abc import Sequence
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import text

from foundation.audit.chain import append_audit
from foundation.ids import new_id
from governance.audit_trail.filters import AuditFilter
from governance.audit_trail.groups import list_groups
from tests.governance.pages.samples import Sample
from tests.governance.pages.web_app import GovernanceWebApp

AUDIT = "/clients/acme/audit"
API = "/api/v1/clients/acme/audit"
STEPS = ("change.released", "propagation.verified", "propagation.verified")


async def note(sample: Sample, *entries: tuple[str, str], correlation: str = "", days: int = 0) -> None:
    """Entries (action, subject) of one transaction."""
    async with sample.db.transaction(sample.scope) as session:
        for action, subject in entries:
            data: dict[str, Any] = {"new": 1040, "currency": "EUR"} if action == "change.released" else {}
            append_audit(
                session, action=action, subject=subject, data=data, at=sample.now - timedelta(days=days),
                correlation=correlation or new_id().hex,
            )  # fmt: skip


async def walk(
    sample: Sample, *, wanted: AuditFilter | None = None, limit: int = 3, late: Sequence[str] = ()
) -> list[Any]:
    """All groups, page by page; before each further page, one of the subjects `late` gets another entry."""
    found: list[Any] = []
    place, waiting = "", list(late)
    while True:
        async with sample.db.transaction(sample.scope) as session:
            page = await list_groups(session, wanted=wanted or AuditFilter(), place=place, limit=limit)
        assert len(page.items) <= limit
        found += page.items
        place = page.next_place
        if not place:
            return found
        if waiting:
            await note(sample, ("propagation.verified", waiting.pop()))


@pytest.mark.parametrize("seed", range(4))
async def test_each_change_is_one_group_on_exactly_one_page(web_app: GovernanceWebApp, seed: int) -> None:
    order = random.Random(seed)
    changes = [f"change:{new_id()}" for _ in range(11)]
    entries = [(step, change) for change in changes for step in STEPS]
    order.shuffle(entries)
    for entry in entries:
        await note(web_app.acme, entry)
    last = {subject: number for number, (_, subject) in enumerate(entries)}
    found = [one for one in await walk(web_app.acme, late=[order.choice(changes) for _ in range(3)]) if one.subject]
    assert [one.subject for one in found] == sorted(changes, key=lambda each: -last[each])
    for one in found:
        assert one.total == len(STEPS)
        assert [entry.seq for entry in one.entries] == sorted((entry.seq for entry in one.entries), reverse=True)


async def test_an_approval_and_its_change_are_one_group(busy: GovernanceWebApp) -> None:
    change = await busy.acme.awaiting("SKU-1", 1000, 2000)
    async with busy.acme.db.transaction(busy.acme.scope) as session:
        approval = await session.scalar(text("SELECT approval_id FROM change WHERE id = :id"), {"id": change})
    await note(busy.acme, ("change.awaiting_approval", f"change:{change}"))
    await note(busy.acme, ("reference.updated", "record:SKU-9"))
    await note(busy.acme, ("approval.granted", str(approval)), ("change.released", f"change:{change}"))
    await note(busy.acme, ("approval.used", str(approval)))
    (group,) = [one for one in await walk(busy.acme) if one.subject]
    assert [entry.action for entry in group.entries] == [
        "approval.used", "change.released", "approval.granted", "change.awaiting_approval",
    ]  # fmt: skip


async def test_entries_are_grouped_by_request(web_app: GovernanceWebApp) -> None:
    first, second = new_id().hex, new_id().hex
    await note(web_app.acme, ("person.created", "person:1"), ("role.assigned", "person:1"), correlation=first)
    await note(web_app.acme, ("person.created", "person:2"), ("role.assigned", "person:2"), correlation=second)
    found = await walk(web_app.acme, wanted=AuditFilter(nouns=["person", "role"]), limit=1)
    assert [[entry.subject for entry in one.entries] for one in found[:2]] == [["person:2"] * 2, ["person:1"] * 2]


async def test_the_page_groups_and_opens_without_script(busy: GovernanceWebApp) -> None:
    change = await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified"})
    for action in STEPS:
        await note(busy.acme, (action, f"change:{change}"))
    page = (await busy["admin"].get(AUDIT)).text
    assert page.count("<tr>") - 1 < await busy.acme.count("SELECT count(*) FROM audit_entry WHERE tenant_id = :t")
    (opened,) = re.findall(r'<details class="entries">\s*<summary>3 entries</summary>(.*?)</ol>', page, re.DOTALL)
    assert opened.count("<li>") == 3
    assert "New: €10.40" in unescape(page)
    assert "<details open" not in page
    apart = (await busy["admin"].get(f"{AUDIT}?show=entries")).text
    assert '<details class="entries">' not in apart
    assert apart.count("<tr>") - 1 == await busy.acme.count("SELECT count(*) FROM audit_entry WHERE tenant_id = :t")
    api = (await busy["admin"].get(f"{API}?subject=change:{change}")).json()
    assert [item["action"] for item in api["items"]] == list(reversed(STEPS))


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("about=SKU-1", {"change"}),
        ("about=SKU-2", set()),
        ("action=change.released", {"change"}),
        ("action=change", {"change"}),
        ("action=chang", set()),
        ("kind=decisions&about=SKU-1", {"change"}),
        ("kind=billing", set()),
        ("actor=nobody%20of%20this%20name", set()),
        ("about=SKU-1&since=2000-02-29", {"change"}),
        ("about=SKU-1&since=9999-12-31", set()),
        ("about=SKU-1&until=9999-12-31", {"change"}),
        ("about=SKU-1&until=0001-01-01", set()),
        ("about=SKU-1%20", {"change"}),
        ("about=%25", set()),
    ],
)
async def test_the_filters(busy: GovernanceWebApp, query: str, shown: set[str]) -> None:
    change = await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified"})
    for action in STEPS:
        await note(busy.acme, (action, f"change:{change}"))
    page = await busy["admin"].get(f"{AUDIT}?{query}")
    assert page.status_code == 200
    assert (f"audit?subject=change%3A{change}" in page.text) is bool(shown), query
    items = (await busy["admin"].get(f"{API}?{query}")).json()["items"]
    assert bool(items) is bool(shown), query
    assert (await busy["stranger"].get(f"{AUDIT}?{query}")).status_code == 404


async def test_entries_are_filtered_by_actor_and_time(busy: GovernanceWebApp) -> None:
    await note(busy.acme, ("person.invited", "person:1"), days=3)
    async with busy.acme.db.transaction(busy.acme.scope) as session:
        append_audit(session, action="person.resumed", subject="person:2", data={}, at=busy.acme.now)
    name = busy.acme.scope.actor.name
    day = (busy.acme.now - timedelta(days=3)).date()
    for query, actions in (
        (f"kind=access&since={day}&until={day}", {"person.invited"}),
        (f"kind=access&since={day + timedelta(days=1)}&action=person", {"person.resumed"}),
        (f"kind=access&actor={name[:3].upper()}&action=person", {"person.invited", "person.resumed"}),
    ):
        items = (await busy["admin"].get(f"{API}?{query}")).json()["items"]
        assert {item["action"] for item in items if item["subject"] in {"person:1", "person:2"}} == actions, query


@pytest.mark.parametrize(
    "query",
    ["since=2026-02-29", "since=2026-1-1", "until=٢٠٢٦-٠١-٠١", "since=2026-11-29T10:00", "until=0000-01-01",
     "until=10000-01-01", "since=2026-13-01"],
)  # fmt: skip
async def test_a_nonexistent_day_is_reported(busy: GovernanceWebApp, query: str) -> None:
    for path in (AUDIT, API):
        answer = await busy["admin"].get(f"{path}?{query}")
        assert answer.status_code == 400, path
        assert "is not a day such as" in answer.text


@pytest.mark.parametrize(
    "place", ["x", "1", "-", "1-", "99999999999999999999-1", "٣-٣", "1-9999999999999999999", "-1-1"]
)
async def test_an_invalid_cursor_is_reported(busy: GovernanceWebApp, place: str) -> None:
    answer = await busy["admin"].get(f"{AUDIT}?place={place}")
    assert answer.status_code == 400
    assert "is not a position in this list" in answer.text


async def test_groups_are_of_this_account(busy: GovernanceWebApp) -> None:
    shared = f"change:{new_id()}"
    await note(busy.acme, ("change.released", shared))
    await note(busy.borealis, ("propagation.verified", shared))
    await note(busy.alien, ("propagation.verified", shared))
    (group,) = [one for one in await walk(busy.acme) if one.subject]
    assert (group.subject, group.total) == (shared, 1)
