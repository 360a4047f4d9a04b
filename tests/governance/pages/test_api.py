"""The API: the rows of the pages under the same permissions, page by page, and refusals with their reason."""

from uuid import UUID

import pytest
from sqlalchemy import text

from foundation.audit.chain import append_audit
from foundation.ids import new_id
from tests.governance.pages.web_app import GovernanceWebApp

ROOT = "/api/v1/clients/acme"
PAGE = "/clients/acme/overview"

READS = (
    ("overview", {"viewer", "approver", "admin", "operator", "staff"}),
    ("changes", {"viewer", "approver", "admin", "operator", "staff"}),
    ("approvals", {"viewer", "approver", "admin", "operator", "staff"}),
    ("exceptions", {"viewer", "approver", "admin", "operator", "staff"}),
    ("connections", {"viewer", "approver", "admin", "operator", "staff"}),
    ("contracts", {"viewer", "approver", "admin", "operator", "staff"}),
    ("dead-letters", {"admin", "operator", "staff"}),
    ("audit", {"admin", "operator", "staff"}),
    ("audit/verify", {"admin", "operator", "staff"}),
    ("channel", {"viewer", "approver", "admin", "operator", "staff", "partner"}),
    ("channel/propagations", {"viewer", "approver", "admin", "operator", "staff", "partner"}),
    ("channel/values", {"viewer", "approver", "admin", "operator", "staff", "partner"}),
)


@pytest.mark.parametrize(("path", "readers"), READS)
async def test_reading_needs_the_permission(busy: GovernanceWebApp, path: str, readers: set[str]) -> None:
    statuses = {name: (await busy[name].get(f"{ROOT}/{path}")).status_code for name in busy.readers}
    assert statuses.pop("stranger") == 404
    assert statuses == {name: 200 if name in readers else 403 for name in statuses}


async def test_the_fleet_is_read_by_staff_only(busy: GovernanceWebApp) -> None:
    answer = (await busy["operator"].get("/api/v1/fleet")).json()["items"]
    assert [client["slug"] for client in answer] == ["acme", "borealis"]
    assert (await busy["admin"].get("/api/v1/fleet")).status_code == 404


async def test_paused_and_failing_channels_are_shown_at_every_level(busy: GovernanceWebApp) -> None:
    for sample in (busy.acme, busy.borealis):
        await sample.fail("Web shop", at=10)
    await busy.acme.pause("Harbour market")
    figures = (await busy["viewer"].get(f"{ROOT}/overview")).json()["figures"]
    assert (figures["failing"], figures["paused"]) == (["Web shop"], ["Harbour market"])
    own = (await busy["partner"].get(f"{ROOT}/channel")).json()
    assert (own["channels"], own["failing"], own["paused"]) == (["Harbour market"], [], ["Harbour market"])
    fleet = {client["slug"]: client for client in (await busy["operator"].get("/api/v1/fleet")).json()["items"]}
    assert [(fleet[slug]["failing"], fleet[slug]["paused"]) for slug in ("acme", "borealis")] == [(1, 1), (1, 0)]
    page = (await busy["viewer"].get(PAGE)).text
    assert "Failing: Web shop" in page
    assert "Paused: Harbour market" in page
    await busy.acme.fail("Harbour market", at=10)
    page = (await busy["partner"].get("/clients/acme/channel")).text
    assert "Paused: Harbour market" in page
    assert "Web shop" not in page


@pytest.fixture
async def filled(busy: GovernanceWebApp) -> GovernanceWebApp:
    for sample in (busy.acme, busy.borealis, busy.alien):
        name = "SKU" if sample is busy.acme else "THEIRS"
        for number in range(5):
            await sample.change(f"{name}-{number}", 1000, 1040, states={"Web shop": "verified"}, at=100 + number)
            await sample.exception("change.refused", f"{name} refused {number}", exposure=number % 2 * 2000)
            await sample.letter(f"{name} letter {number}")
            await sample.awaiting(f"{name}-wait-{number}", 1000, 2000, at=900 - number)
    return busy


@pytest.mark.parametrize("path", ["changes", "approvals", "exceptions", "dead-letters", "audit", "channel/values"])
async def test_pages_follow_one_another_and_contain_nothing_of_others(filled: GovernanceWebApp, path: str) -> None:
    whole = (await filled["admin"].get(f"{ROOT}/{path}?limit=200")).json()
    assert whole["items"]
    assert not whole["next_cursor"]
    assert "THEIRS" not in str(whole)
    seen: list[object] = []
    after = ""
    while True:
        part = (await filled["admin"].get(f"{ROOT}/{path}?limit=3{after}")).json()
        assert len(part["items"]) <= 3
        seen += part["items"]
        if not part["next_cursor"]:
            break
        after = f"&cursor={part['next_cursor']}"
    assert seen == whole["items"]


@pytest.mark.parametrize("limit", ["0", "201", "-1"])
async def test_a_page_has_a_length_within_bounds(busy: GovernanceWebApp, limit: str) -> None:
    answer = await busy["viewer"].get(f"{ROOT}/changes?limit={limit}")
    assert answer.status_code == 422
    assert answer.json()["detail"] == "A page has 1 to 200 items."


@pytest.mark.parametrize(
    "query",
    [
        "changes?record=%00", "changes?status=%00", "changes?element=a%00b", "exceptions?code=%00", "audit?subject=%00",
        "exceptions?status=%00", "dead-letters?status=%00",
        "changes?record=" + "x" * 2001,
    ],
)  # fmt: skip
async def test_unstorable_input_is_refused(busy: GovernanceWebApp, query: str) -> None:
    answer = await busy["admin"].get(f"{ROOT}/{query}")
    status = 400 if "status" in query or "code" in query else 422  # these have a fixed set of values
    assert (answer.status_code, answer.json()["type"]) == (status, "/problems/invalid-input")


@pytest.mark.parametrize(
    "query",
    [
        "audit?cursor=9223372036854775808", "audit?cursor=-1", "channel/values?cursor=%00", "audit?kind=x",
        "exceptions?status=x",
        "exceptions?code=x",
        "exceptions?sort=x", "approvals?status=x", "dead-letters?status=parked", "exceptions?domain=x",
        "exceptions?cursor=WyJhdWRpdCIsIi1zZXEiLGZhbHNlLFsxXV0",
    ],
)  # fmt: skip
async def test_undeclared_parameters_are_refused_and_named(busy: GovernanceWebApp, query: str) -> None:
    answer = await busy["admin"].get(f"{ROOT}/{query}")
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-input")
    assert answer.json()["field"] == query.partition("?")[2].partition("=")[0]


async def test_a_change_is_read_with_its_channels(busy: GovernanceWebApp) -> None:
    states = {"Web shop": "verified", "Harbour market": "accepted"}
    change = await busy.acme.change("SKU-1", 1000, 1040, states=states, at=5)
    detail = (await busy["viewer"].get(f"{ROOT}/changes/{change}")).json()
    assert detail["change"]["old"] == {"type": "money", "amount": "10", "currency": "EUR"}
    assert detail["change"]["rule_id"] == "price-small-change"
    shown = (await busy["viewer"].get(f"{ROOT}/changes/{change}/propagations")).json()
    assert [(row["channel"], row["state"], row["verified_at"] is None) for row in shown] == [
        ("Harbour market", "accepted", True),
        ("Web shop", "verified", False),
    ]
    assert detail["change"]["channels"] == shown


async def test_an_answer_over_the_api(busy: GovernanceWebApp) -> None:
    change = await busy.acme.awaiting("SKU-1", 1000, 2000)
    preview = (await busy["approver"].get(f"{ROOT}/approvals/{change}")).json()["preview"]
    assert [row["channel"] for row in preview] == ["Harbour market", "Web shop"]
    path = f"{ROOT}/changes/{change}/answer"
    empty = await busy["approver"].call(path, {"grant": False}, page=PAGE)
    assert (empty.status_code, empty.json()["detail"]) == (422, "Enter a reason to decline. The author will see it.")
    strange = await busy["approver"].call(path, {"grant": False, "reason": "no\x00"}, page=PAGE)
    assert (strange.status_code, strange.json()["field"]) == (422, "reason")
    answer = await busy["approver"].call(path, {"grant": True}, page=PAGE)
    assert answer.status_code == 202
    assert answer.json()["approval"]["state"] == "granted"
    again = await busy["admin"].call(path, {"grant": True}, page=PAGE)
    assert again.status_code == 409
    listed = (await busy["viewer"].get(f"{ROOT}/approvals?status=answered")).json()["items"]
    assert [item["change"]["id"] for item in listed] == [str(change)]
    assert (await busy["viewer"].call(path, {"grant": True}, page=PAGE)).status_code == 403


async def test_a_rollback_over_the_api(busy: GovernanceWebApp) -> None:
    states = {"Web shop": "verified", "Harbour market": "verified"}
    change = await busy.acme.change("SKU-1", 1000, 1040, states=states)
    body = {"connection_id": str(busy.acme.channels["Web shop"])}
    answer = await busy["operator"].call(f"{ROOT}/changes/{change}/rollback", body, page=PAGE)
    assert answer.status_code == 201, answer.text
    back = answer.json()
    assert (back["origin"], back["new"]["amount"], len(back["channels"])) == ("rollback", "10", 1)
    everywhere = await busy["operator"].call(f"{ROOT}/changes/{change}/rollback", {}, page=PAGE)
    assert everywhere.status_code == 201, "a rollback on one channel leaves the change standing for the others"
    refused = await busy["operator"].call(f"{ROOT}/changes/{change}/rollback", {}, page=PAGE)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/nothing-to-roll-back")


@pytest.mark.parametrize(("act", "state", "status"), [("resolve", "resolved", 200), ("discard", "discarded", 200)])
async def test_an_exception_is_closed_over_the_api(busy: GovernanceWebApp, act: str, state: str, status: int) -> None:
    made = await busy.acme.exception("change.refused", "Policy refuses it")
    path = f"{ROOT}/exceptions/{made}"
    answer = await busy["approver"].call(f"{path}/{act}", {}, page=PAGE)
    assert (answer.status_code, answer.json()["state"], answer.json()["closed_by"]) == (status, state, "Approver")
    assert (await busy["viewer"].get(path)).json()["state"] == state
    assert (await busy["approver"].call(f"{path}/{act}", {}, page=PAGE)).status_code == 409


async def test_replaying_over_the_api(busy: GovernanceWebApp) -> None:
    event = await busy.acme.event(b"{}")
    made = await busy.acme.exception("source.quarantined", "Unreadable", event=event, connection=busy.acme.source)
    answer = await busy["operator"].call(f"{ROOT}/exceptions/{made}/replay", {}, page=PAGE)
    assert (answer.status_code, answer.json()["state"]) == (202, "resolved")
    letter = await busy.acme.letter("no")
    answer = await busy["operator"].call(f"{ROOT}/dead-letters/{letter}/replay", {}, page=PAGE)
    assert (answer.status_code, answer.json()["state"]) == (202, "replayed")
    other = await busy.acme.letter("no")
    assert (await busy["operator"].call(f"{ROOT}/dead-letters/{other}/discard", {}, page=PAGE)).status_code == 403
    discarded = await busy["staff"].call(f"{ROOT}/dead-letters/{other}/discard", {}, page=PAGE)
    assert (discarded.status_code, discarded.json()["state"]) == (200, "discarded")
    kinds = await busy.acme.count("SELECT count(DISTINCT kind) FROM job WHERE tenant_id = :t")
    assert kinds == 2


async def test_ids_of_others_are_not_found(busy: GovernanceWebApp) -> None:
    sample = busy.borealis
    change = await sample.awaiting("THEIRS-1", 1000, 2000)
    exception, letter = await sample.exception("change.refused", "Theirs"), await sample.letter("Theirs")
    for path in (
        f"changes/{change}", f"changes/{change}/propagations", f"approvals/{change}", f"exceptions/{exception}",
    ):  # fmt: skip
        assert (await busy["staff"].get(f"{ROOT}/{path}")).status_code == 404, path
    posts: tuple[tuple[str, dict[str, object]], ...] = (
        (f"changes/{change}/answer", {"grant": True}),
        (f"changes/{change}/rollback", {}),
        (f"exceptions/{exception}/resolve", {}),
        (f"exceptions/{exception}/discard", {}),
        (f"exceptions/{exception}/replay", {}),
        (f"dead-letters/{letter}/replay", {}),
        (f"dead-letters/{letter}/discard", {}),
    )
    for path, body in posts:
        assert (await busy["staff"].call(f"{ROOT}/{path}", body, page=PAGE)).status_code == 404, path


async def test_a_partner_reads_its_own_rows_only(busy: GovernanceWebApp) -> None:
    states = {"Web shop": "verified", "Harbour market": "accepted"}
    change = await busy.acme.change("SKU-1", 1000, 1040, states=states, at=5)
    rows = (await busy["partner"].get(f"{ROOT}/channel/propagations")).json()["items"]
    assert [(UUID(row["change_id"]), row["channel"]) for row in rows] == [(change, "Harbour market")]
    values = (await busy["partner"].get(f"{ROOT}/channel/values")).json()["items"]
    assert [row["channel"] for row in values] == ["Harbour market"]
    assert (await busy["partner"].get(f"{ROOT}/changes/{change}")).status_code == 403
    assert (await busy["partner"].get(f"{ROOT}/changes/{change}/propagations")).status_code == 403


async def test_the_audit_is_verified(busy: GovernanceWebApp) -> None:
    acme = busy.acme
    before = (await busy["admin"].get(f"{ROOT}/audit/verify")).json()
    async with acme.db.transaction(acme.scope) as session:
        append_audit(session, action="test.done", subject="test:1", data={}, at=acme.now)
    after = (await busy["admin"].get(f"{ROOT}/audit/verify")).json()
    assert (after["entries"] - before["entries"], after["broken_at"]) == (1, None)
    assert after["head"] != before["head"]
    (entry,) = (await busy["admin"].get(f"{ROOT}/audit?subject=test:1")).json()["items"]
    assert entry["action"] == "test.done"


async def test_a_members_audit_entries_include_those_of_the_earlier_term(busy: GovernanceWebApp) -> None:
    acme, one, other = busy.acme, new_id(), new_id()
    async with acme.db.transaction(acme.scope) as session:
        for subject in (f"person:{one}", f"member:{one}", f"change:{one}", f"person:{other}"):
            action = f"{subject.partition(':')[0]}.suspended"
            append_audit(session, action=action, subject=subject, data={}, at=acme.now)
    found = (await busy["admin"].get(f"{ROOT}/audit?subject=member:{one}")).json()["items"]
    assert [entry["action"] for entry in found] == ["member.suspended", "person.suspended"]


async def test_proposals_need_the_permission_and_an_unowned_value(busy: GovernanceWebApp) -> None:
    wish = {
        "record_key": "SKU-1",
        "element": "price.list",
        "value": {"type": "money", "amount": "10.40", "currency": "USD"},
    }
    assert (await busy["viewer"].call(f"{ROOT}/changes", wish, page=PAGE)).status_code == 403
    owned = await busy["approver"].call(f"{ROOT}/changes", wish, page=PAGE)
    assert (owned.status_code, owned.json()["type"]) == (409, "/problems/owned-by-its-source")
    async with busy.acme.db.transaction(busy.acme.scope) as session:
        await session.execute(text("UPDATE element_contract SET source_connection_id = NULL"))
    made = await busy["approver"].call(f"{ROOT}/changes", wish, page=PAGE)
    assert made.status_code == 201, made.text
    assert (made.json()["origin"], made.json()["new"]["amount"]) == ("proposal", "10.4")
