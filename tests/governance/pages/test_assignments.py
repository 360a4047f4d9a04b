"""Assignees of exceptions and approvals, and comments on them."""

from uuid import UUID

import pytest
from sqlalchemy import text

from foundation.database.engine import Database
from governance.assignments import comment
from tests.governance.pages.samples import Sample
from tests.governance.pages.web_app import GovernanceWebApp, Reader

LISTS = ("exceptions", "approvals")
API = "/api/v1/clients/acme"


async def add_item(sample: Sample, kind: str) -> UUID:
    if kind == "approvals":
        return await sample.awaiting("SKU-1", 1000, 2000)
    return await sample.exception("change.refused", "Refused", exposure=200_000)


async def put(reader: Reader, path: str, body: object) -> int:
    return (await reader.call(path, body, page="/clients/acme/overview", method="PUT")).status_code


async def found(reader: Reader, query: str) -> list[str]:
    """Ids of items or changes on the list, after a check that its file has the same."""
    page = (await reader.get(f"{API}/{query}")).json()["items"]
    lines = (await reader.get(f"{API}/{query}", accept="text/csv")).text.splitlines()
    assert len(lines) == 1 + len(page)
    return [one["change"]["id"] if "change" in one else one["id"] for one in page]


async def notified(db: Database, sample: Sample) -> list[tuple[str, list[str]]]:
    async with db.transaction(sample.scope) as session:
        rows = await session.execute(text("SELECT payload FROM job WHERE kind = 'tenants.notify_members' ORDER BY seq"))
        return [(row.payload["path"], row.payload["members"]) for row in rows]


@pytest.mark.parametrize("kind", LISTS)
async def test_an_item_is_assigned_to_a_member_who_may_see_it_and_found_by_that(
    busy: GovernanceWebApp, kind: str
) -> None:
    item, other = await add_item(busy.acme, kind), await add_item(busy.acme, kind)
    approver, path, page = busy["approver"], f"{API}/{kind}/{item}/assignee", f"/clients/acme/{kind}/{item}"
    view = (await approver.get(path)).json()
    names = {one["name"]: one["is_staff"] for one in view["candidates"]}
    assert names == {"Viewer": False, "Approver": False, "Admin": False, "Operator": True, "Staff": True}
    assert view["assignment"] is None
    assert "Assigned to nobody." in (await approver.get(page)).text

    for wrong in (busy["partner"].member_id, busy["stranger"].member_id, "somebody", "\N{SNOWMAN}"):
        assert await put(approver, path, {"assignee": str(wrong)}) == 422, wrong
    assert await put(approver, path, {"assignee": str(busy["operator"].member_id)}) == 204
    assert await put(approver, path, {"assignee": str(busy["operator"].member_id)}) == 204, "again, without effect"
    assert await notified(busy.auth.db, busy.acme) == [(f"/{kind}/{item}", [str(busy["operator"].member_id)])]
    assert (await approver.get(path)).json()["assignment"]["name"] == "Operator"
    assert "Assigned to Operator by Approver" in (await approver.get(page)).text
    assert "Assigned to you by Approver" in (await busy["operator"].get(page)).text
    assert await found(busy["operator"], f"{kind}?assigned=me") == [str(item)]
    assert await found(approver, f"{kind}?assigned=me") == []
    assert await found(approver, f"{kind}?assigned=nobody") == [str(other)]
    inbox = (await busy["operator"].get("/api/v1/inbox?assigned=me")).json()["items"]
    assert [one["change_id"] if kind == "approvals" else one["id"] for one in inbox] == [str(item)]
    assert 'id="count-all">1<' in (await busy["operator"].get("/inbox?assigned=me")).text

    chosen = await approver.post(f"{page}/assignee", {"assignee": "me"}, page=page)
    assert chosen.status_code == 303
    assert await found(approver, f"{kind}?assigned=me") == [str(item)]
    assert (await approver.post(f"{page}/assignee", {"assignee": ""}, page=f"{page}/assignee")).status_code == 303
    assert await found(approver, f"{kind}?assigned=me") == []
    actions = await busy.acme.count("SELECT count(*) FROM audit_entry WHERE action LIKE 'assignment.%'")
    assert actions == 3


@pytest.mark.parametrize("kind", LISTS)
async def test_comments_are_kept_in_order_as_they_were_typed(busy: GovernanceWebApp, kind: str) -> None:
    item = await add_item(busy.acme, kind)
    approver, api, page = busy["approver"], f"{API}/{kind}/{item}/comments", f"/clients/acme/{kind}/{item}"
    typed = "Asked <b>Ada</b>\n\N{RIGHT-TO-LEFT OVERRIDE}Wait"
    made = await approver.call(api, {"text": typed}, page="/clients/acme/overview")
    assert (made.status_code, made.json()["author"], made.json()["text"]) == (201, "Approver", typed)
    assert (await busy["admin"].post(f"{page}/comments", {"text": "Answered"}, page=page)).status_code == 303
    seen = (await busy["viewer"].get(api)).json()
    assert [(one["author"], one["text"]) for one in seen] == [("Approver", typed), ("Admin", "Answered")]
    shown = (await busy["viewer"].get(page)).text
    assert "Asked &lt;b&gt;Ada&lt;/b&gt;" in shown
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in shown, "the invisible character is marked"
    assert shown.index("Asked") < shown.index("Answered")
    for wrong in ("", " \N{ZERO WIDTH SPACE}", "x" * 2001, "a\x00b"):
        assert (await approver.call(api, {"text": wrong}, page="/clients/acme/overview")).status_code == 422
    refused = await approver.post(f"{page}/comments", {"text": "y" * 2001}, page=page)
    assert refused.status_code == 422
    assert "y" * 2001 in refused.text, "what was typed is not lost"


async def test_nobody_without_the_right_assigns_comments_or_reads(busy: GovernanceWebApp) -> None:
    """A viewer reads only; partners, members of another client and another MSP's clients see nothing."""
    exception = await add_item(busy.acme, "exceptions")
    theirs = await add_item(busy.alien, "exceptions")
    root = f"{API}/exceptions/{exception}"
    assert await put(busy["viewer"], f"{root}/assignee", {"assignee": "me"}) == 403
    body = {"text": "No"}
    assert (await busy["viewer"].call(f"{root}/comments", body, page="/clients/acme/overview")).status_code == 403
    assert "Add comment" not in (await busy["viewer"].get(f"/clients/acme/exceptions/{exception}")).text
    assert (await busy["partner"].get(f"{root}/comments")).status_code == 403
    assert (await busy["stranger"].get(f"{root}/comments")).status_code == 404
    for name in ("approver", "admin"):
        for kind in LISTS:
            for part in ("comments", "assignee"):
                assert (await busy[name].get(f"{API}/{kind}/{theirs}/{part}")).status_code == 404
        assert await put(busy[name], f"{API}/exceptions/{theirs}/assignee", {"assignee": "me"}) == 404
    assert await busy.alien.count("SELECT count(*) FROM item_assignment") == 0


async def test_a_closed_exception_takes_comments_until_there_are_too_many_but_no_assignee(
    busy: GovernanceWebApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = await busy.acme.exception("change.refused", "Refused", state="resolved")
    root, page = f"{API}/exceptions/{item}", f"/clients/acme/exceptions/{item}"
    assert await put(busy["approver"], f"{root}/assignee", {"assignee": "me"}) == 409
    assert (await busy["approver"].post(f"{page}/assignee", {"assignee": "me"}, page=page)).status_code == 409
    monkeypatch.setattr(comment, "MOST_COMMENTS", 1)
    for status in (303, 409):
        assert (await busy["approver"].post(f"{page}/comments", {"text": "Why"}, page=page)).status_code == status
