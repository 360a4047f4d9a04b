"""Bulk actions over the API and from the page: each row separately, with its own result."""

from uuid import UUID

import pytest

from connectors.translation.job_type import TRANSLATE
from foundation.ids import new_id
from governance.job_types import PUSH
from tests.governance.pages.samples import JOBS
from tests.governance.pages.web_app import GovernanceWebApp

API = "/api/v1/clients/acme"
EXCEPTIONS = "/clients/acme/exceptions"
LETTERS = "/clients/acme/dead-letters"


async def audited(busy: GovernanceWebApp, action: str) -> int:
    return await busy.acme.count(f"SELECT count(*) FROM audit_entry WHERE tenant_id = :t AND action = '{action}'")


@pytest.mark.parametrize(("action", "state"), [("resolve", "resolved"), ("discard", "discarded")])
async def test_exceptions_are_closed_together_and_each_refusal_has_its_reason(
    busy: GovernanceWebApp, action: str, state: str
) -> None:
    mine = [await busy.acme.exception("change.refused", f"Mine {number}") for number in range(3)]
    closed = await busy.acme.exception("change.refused", "Closed", state="resolved")
    theirs = await busy.borealis.exception("change.refused", "Theirs")
    ids = [mine[0], closed, theirs, mine[1], new_id(), mine[2]]
    body = {"action": action, "ids": [str(one) for one in ids]}
    answer = await busy["approver"].call(f"{API}/exceptions/bulk", body, page=EXCEPTIONS)
    assert answer.status_code == 200, answer.text
    result = answer.json()
    assert (result["done"], result["refused"]) == (3, 3)
    assert [UUID(item["id"]) for item in result["items"]] == ids
    assert [(item["result"], item["code"]) for item in result["items"]] == [
        ("done", ""), ("refused", "conflict"), ("refused", "not-found"), ("done", ""), ("refused", "not-found"),
        ("done", ""),
    ]  # fmt: skip
    assert "already resolved" in result["items"][1]["detail"]
    assert await audited(busy, f"exception.{state}") == 3
    assert (
        await busy.borealis.count("SELECT count(*) FROM governance_exception WHERE tenant_id = :t AND state = 'open'")
        == 1
    )


async def test_exceptions_are_replayed_together(busy: GovernanceWebApp) -> None:
    event = await busy.acme.event(b"{}")
    there = await busy.acme.exception("source.quarantined", "There", event=event, connection=busy.acme.source)
    nothing = await busy.acme.exception("change.refused", "Nothing to replay")
    body = {"action": "replay", "ids": [str(there), str(nothing)]}
    items = (await busy["approver"].call(f"{API}/exceptions/bulk", body, page=EXCEPTIONS)).json()["items"]
    assert [item["result"] for item in items] == ["done", "refused"]
    assert "cannot be replayed" in items[1]["detail"]
    assert await busy.acme.count(JOBS, kind=TRANSLATE.name) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"action": "resolve", "ids": []}, {"action": "resolve", "ids": ["x"]},
        {"action": "sell", "ids": [str(new_id())]},
        {"action": "resolve"}, {"action": "resolve", "ids": [str(new_id())] * 201},
    ],
)  # fmt: skip
async def test_an_unknown_bulk_action_is_refused(busy: GovernanceWebApp, body: dict[str, object]) -> None:
    answer = await busy["approver"].call(f"{API}/exceptions/bulk", body, page=EXCEPTIONS)
    assert answer.status_code == 400, answer.text


async def test_bulk_acts_need_the_permission_of_the_single_act(busy: GovernanceWebApp) -> None:
    one, letter = await busy.acme.exception("change.refused", "Mine"), await busy.acme.letter("Mine")
    resolve = {"action": "resolve", "ids": [str(one)]}
    assert (await busy["viewer"].call(f"{API}/exceptions/bulk", resolve, page=EXCEPTIONS)).status_code == 403
    for reader, replay, discard in (("operator", 200, 403), ("admin", 403, 403), ("staff", 200, 200)):
        made = await busy.acme.letter("Again")
        for action, status in (("replay", replay), ("discard", discard)):
            body = {"action": action, "ids": [str(made)]}
            answer = await busy[reader].call(f"{API}/dead-letters/bulk", body, page=LETTERS)
            assert answer.status_code == status, (reader, action, answer.text)
            form = {"action": action, "id": str(letter)}
            shown = await busy[reader].post(LETTERS, form, page=LETTERS)
            assert (shown.status_code == 403) == (status == 403), (reader, action)


async def test_a_page_shows_the_result_of_each_row(busy: GovernanceWebApp) -> None:
    mine = [await busy.acme.exception("change.refused", f"Mine <{number}>") for number in range(3)]
    page = (await busy["approver"].get(EXCEPTIONS)).text
    assert page.count('form="bulk"') == 3
    assert "<fieldset>" in page
    await busy["approver"].post(f"{EXCEPTIONS}/{mine[1]}/resolve", page=EXCEPTIONS)
    left = {"action": "resolve", "id": [str(one) for one in mine]}
    answer = await busy["approver"].post(EXCEPTIONS, left, page=EXCEPTIONS)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert "2 resolved, 1 refused" in " ".join(answer.text.split())
    assert "already resolved" in answer.text
    assert 'aria-live="polite"' in answer.text
    assert "data-focus" in answer.text
    assert "Mine &lt;0&gt;" in answer.text
    assert "Nothing needs attention" in answer.text, "the list below is the list after the act"


async def test_a_missing_selection_is_reported(busy: GovernanceWebApp) -> None:
    await busy.acme.exception("change.refused", "Mine")
    for form, sentence in (({"action": "resolve"}, "Nothing is selected"), ({"id": "x"}, "Choose what to do")):
        answer = await busy["approver"].post(EXCEPTIONS, form, page=EXCEPTIONS)
        assert answer.status_code == 422
        assert sentence in answer.text
    assert await audited(busy, "exception.resolved") == 0


async def test_all_rows_are_ticked_by_a_link_where_there_is_no_script(busy: GovernanceWebApp) -> None:
    for number in range(2):
        await busy.acme.exception("change.refused", f"Mine {number}")
    page = (await busy["approver"].get(EXCEPTIONS)).text
    assert f'href="{EXCEPTIONS}?select=all"' in page
    ticked = " ".join((await busy["approver"].get(f"{EXCEPTIONS}?select=all")).text.split())
    assert ticked.count("data-select checked") == 2


async def test_readers_have_no_checkboxes(busy: GovernanceWebApp) -> None:
    await busy.acme.exception("change.refused", "Mine")
    await busy.acme.letter("Mine")
    assert "data-select" not in (await busy["viewer"].get(EXCEPTIONS)).text
    assert "data-select" not in (await busy["admin"].get(LETTERS)).text
    operator = (await busy["operator"].get(LETTERS)).text
    assert 'value="replay"' in operator
    assert 'value="discard"' not in operator


async def test_failed_jobs_are_replayed_together(busy: GovernanceWebApp) -> None:
    letters = [await busy.acme.letter("No") for _ in range(2)]
    theirs = await busy.borealis.letter("Theirs")
    body = {"action": "replay", "ids": [str(one) for one in (*letters, theirs)]}
    result = (await busy["staff"].call(f"{API}/dead-letters/bulk", body, page=LETTERS)).json()
    assert (result["done"], [item["code"] for item in result["items"]]) == (2, ["", "", "not-found"])
    assert await busy.acme.count(JOBS, kind=PUSH.name) == 2
    assert await audited(busy, "dead_letter.replayed") == 2


async def test_approvals_are_answered_together(busy: GovernanceWebApp) -> None:
    changes = [await busy.acme.awaiting(f"SKU-{number}", 1000, 2000) for number in range(3)]
    own = await busy.acme.awaiting("SKU-OWN", 1000, 2000, author=str(busy["approver"].member_id))
    await busy.borealis.awaiting("SKU-1", 1000, 2000)
    shown = (await busy["approver"].get(f"{API}/approvals")).json()["items"]
    ids = {item["change"]["id"]: item["approval"]["id"] for item in shown}
    assert set(ids) == {str(one) for one in (*changes, own)}
    foreign = (await busy["staff"].get("/api/v1/clients/borealis/approvals")).json()["items"][0]["approval"]["id"]
    body = {"action": "approve", "ids": [*(ids[str(one)] for one in (*changes, own)), foreign]}
    result = (await busy["approver"].call(f"{API}/approvals/bulk", body, page=EXCEPTIONS)).json()
    assert [item["code"] for item in result["items"]] == ["", "", "", "own-approval", "not-found"]
    again = (await busy["admin"].call(f"{API}/approvals/bulk", body, page=EXCEPTIONS)).json()
    assert (again["done"], again["items"][0]["result"]) == (1, "refused")
    pending = "SELECT count(*) FROM approval WHERE tenant_id = :t AND state = 'pending'"
    assert (await busy.acme.count(pending), await busy.borealis.count(pending)) == (0, 1)


async def test_declining_several_needs_a_reason_for_all(busy: GovernanceWebApp) -> None:
    await busy.acme.awaiting("SKU-1", 1000, 2000)
    approvals = "/clients/acme/approvals"
    one = (await busy["approver"].get(f"{API}/approvals")).json()["items"][0]["approval"]["id"]
    body = {"action": "decline", "ids": [one]}
    assert (await busy["approver"].call(f"{API}/approvals/bulk", body, page=EXCEPTIONS)).status_code == 422
    refused = await busy["approver"].post(approvals, {"action": "decline", "id": one}, page=approvals)
    assert refused.status_code == 422
    assert "Enter a reason to decline" in refused.text
    assert "data-select checked" in " ".join(refused.text.split()), "the selection is kept"
    form = {"action": "decline", "id": one, "reason": "Too high"}
    done = await busy["approver"].post(approvals, form, page=approvals)
    assert "1 declined" in " ".join(done.text.split())
    refusal = (await busy["approver"].get(f"{API}/approvals?status=answered")).json()["items"][0]["approval"]
    assert (refusal["state"], refusal["reason"]) == ("refused", "Too high")
