"""The approvals' pages: pending ones, previews of an approval, permissions, and late answers."""

import html
import re

import pytest
from sqlalchemy import text

from foundation.ids import new_id
from tests.governance.pages.web_app import GovernanceWebApp, token_of

LIST = "/clients/acme/approvals"
_USED = text("""
    WITH approved AS (UPDATE change c SET approval_id = a.id FROM approval a
                       WHERE c.tenant_id = :t AND c.id = :sent AND a.tenant_id = :t AND a.subject_id = :asked
                   RETURNING a.id)
    UPDATE approval a SET state = 'used' FROM approved WHERE a.tenant_id = :t AND a.id = approved.id
""")
_DELIVERED = text("""
    UPDATE propagation SET state = :state
     WHERE tenant_id = :t AND change_id = :sent AND state IN ('pending', 'verified')
""")


async def test_an_empty_inbox_has_an_empty_state(web_app: GovernanceWebApp) -> None:
    page = await web_app["viewer"].get(LIST)
    assert page.status_code == 200, page.text
    assert "No pending approvals" in page.text
    assert "No answers yet" in (await web_app["viewer"].get(f"{LIST}?status=answered")).text


async def test_pending_approvals_are_listed_with_their_reason_without_other_clients(busy: GovernanceWebApp) -> None:
    await busy.acme.awaiting("SKU-1", 1000, 2000)
    await busy.borealis.awaiting("BOREALIS-1", 1000, 2000)
    await busy.alien.awaiting("ALIEN-1", 1000, 2000)
    for path in (LIST, f"{LIST}/waiting"):
        page = (await busy["viewer"].get(path)).text
        for shown in (
            "SKU-1",
            "€10.00",
            "€20.00",
            "more than 5 %",
            "Central ERP",
        ):
            assert shown in page
        assert "BOREALIS-1" not in page
        assert "ALIEN-1" not in page


async def test_the_preview_shows_each_channel_with_its_margin(busy: GovernanceWebApp) -> None:
    acme = busy.acme
    await acme.cost("SKU-1", 800)
    await acme.change("SKU-1", 900, 1000, states={"Web shop": "verified", "Harbour market": "accepted"}, at=3000)
    change = await acme.awaiting("SKU-1", 1000, 2000)
    page = (await busy["approver"].get(f"{LIST}/{change}")).text
    for shown in ("Web shop", "Harbour market", "10.00", "9.00", "20.00", "20.0%", "11.1%", "60.0%", "8.00"):
        assert shown in page
    assert 'name="answer"' in page


async def test_who_must_approve_is_shown_and_only_they_can_answer(busy: GovernanceWebApp) -> None:
    needed = [{"role": "client_admin", "number": 1}, {"role": "", "number": 2}]
    change = await busy.acme.awaiting("SKU-1", 1000, 2000, approvers=needed)
    answer = {"answer": "approve", "reason": "as agreed"}
    page = f"{LIST}/{change}"
    assert (await busy["approver"].post(page, answer, page=page)).status_code == 303
    for name in ("approver", "admin"):
        shown = (await busy[name].get(page)).text
        assert "0 of 1" in shown
        assert "1 of 2" in shown
        assert "as agreed" in shown
    assert "You have approved this" in (await busy["approver"].get(page)).text
    assert "Client admin: 0 of 1" in (await busy["viewer"].get(LIST)).text
    found = (await busy["viewer"].get(f"/api/v1/clients/acme/approvals/{change}")).json()
    assert found["approval"]["state"] == "pending"
    assert found["approval"]["approvers"] == [
        {"role": "client_admin", "label": "Client admin", "number": 1, "given": 0},
        {"role": "", "label": "Any approver", "number": 2, "given": 1},
    ]
    assert (await busy["admin"].post(page, answer, page=page)).status_code == 303
    assert (await busy["viewer"].get(f"/api/v1/clients/acme/approvals/{change}")).json()["approval"][
        "state"
    ] == "granted"


async def test_the_page_shows_other_changes_of_the_same_value_only(busy: GovernanceWebApp) -> None:
    acme, shown = busy.acme, {"Web shop": "verified"}
    before = await acme.change("SKU-1", 900, 1000, states=shown, at=3000)
    await acme.change("SKU-1", 3, 4, element="stock.on_hand", states=shown, at=2000)
    await acme.change("SKU-10", 900, 1000, states=shown, at=2000)
    await busy.borealis.change("SKU-1", 900, 1000, states=shown, at=2000)
    change = await acme.awaiting("SKU-1", 1000, 2000)
    page = (await busy["approver"].get(f"{LIST}/{change}")).text
    assert re.findall(r'<a href="/clients/acme/changes/([0-9a-f-]{36})">', page) == [str(before)]


async def test_without_a_cost_there_is_no_margin(busy: GovernanceWebApp) -> None:
    change = await busy.acme.awaiting("SKU-1", 1000, 2000)
    page = (await busy["approver"].get(f"{LIST}/{change}")).text
    assert "not seen yet" in page
    assert "The cost of this record is not known" in page


async def test_a_person_approves_once(busy: GovernanceWebApp) -> None:
    change = await busy.acme.awaiting("SKU-1", 1000, 2000)
    path = f"{LIST}/{change}"
    answer = await busy["approver"].post(path, {"answer": "approve", "reason": "Agreed"}, page=path)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = (await busy["approver"].get(path)).text
    assert "Approved, publishing" in page
    assert "Agreed" in page
    assert 'name="answer"' not in page
    again = await busy["admin"].post(path, {"answer": "approve"}, page=LIST, token=await token(busy))
    assert again.status_code == 409
    assert "This approval is granted" in again.text
    assert "SKU-1" in (await busy["viewer"].get(f"{LIST}?status=answered")).text


async def test_an_answer_applies_to_the_displayed_content_only(busy: GovernanceWebApp) -> None:
    change = await busy.acme.awaiting("SKU-1", 1000, 2000)
    path = f"{LIST}/{change}"
    shown = re.search(r'name="approval" value="([0-9a-f-]+)"', (await busy["approver"].get(path)).text)
    assert shown
    refused = await busy["approver"].post(path, {"answer": "approve", "approval": str(new_id())}, page=path)
    assert refused.status_code == 409
    assert "has changed since you opened it" in refused.text
    answer = await busy["approver"].post(path, {"answer": "approve", "approval": shown[1]}, page=path)
    assert answer.status_code == 303


async def test_an_answer_from_an_outdated_page_is_refused_and_the_page_redrawn(busy: GovernanceWebApp) -> None:
    change = await busy.acme.awaiting("SKU-1", 1000, 2000)
    path, api = f"{LIST}/{change}", f"/api/v1/clients/acme/changes/{change}/answer"
    shown = (await busy["approver"].get(path)).text
    assert "not compared" in shown
    assert "a change of more than 5%" in shown
    assert "Up to €10.50 it passes automatically." not in shown, "the cost is not known, which needs approval too"
    await busy.acme.cost("SKU-1", 800)
    answer = {"answer": "approve", "content": content_of(shown)}
    refused = await busy["approver"].post(path, answer, page=path)
    assert refused.status_code == 409
    assert "changed since you opened this" in refused.text
    assert "Up to €10.50 it passes automatically." in refused.text
    old = {"grant": True, "content": content_of(shown)}
    by_api = await busy["approver"].call(api, old, page=path)
    assert (by_api.status_code, by_api.json()["type"]) == (409, "/problems/approval-outdated")
    answer["content"] = content_of(refused.text)
    assert (await busy["approver"].post(path, answer, page=path)).status_code == 303
    found = (await busy["viewer"].get(f"/api/v1/clients/acme/approvals/{change}")).json()
    assert found["approval"]["state"] == "granted"
    assert found["explanation"]["content"] == ""
    assert {"kind": "change_percent", "label": "Change in percent", "value": "100%"}.items() <= found["explanation"][
        "facts"
    ][0].items()


def content_of(page: str) -> str:
    found = re.search(r'name="content" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


async def token(busy: GovernanceWebApp) -> str:
    """A form token of the same session from another page, as in a form that was left open."""
    other = await busy.acme.awaiting("SKU-other", 1000, 2000)
    return token_of(await busy["admin"].get(f"{LIST}/{other}"))


async def test_declining_needs_a_reason_and_redisplays_the_text(busy: GovernanceWebApp) -> None:
    change = await busy.acme.awaiting("SKU-1", 1000, 2000)
    path = f"{LIST}/{change}"
    refused = await busy["approver"].post(path, {"answer": "decline", "reason": "  "}, page=path)
    assert refused.status_code == 422
    assert "Enter a reason to decline" in refused.text
    assert 'name="answer"' in refused.text
    assert (await busy["approver"].post(path, {"answer": "decline", "reason": "No"}, page=path)).status_code == 303
    assert "Declined" in (await busy["viewer"].get(f"/clients/acme/changes/{change}")).text


async def test_an_own_proposal_cannot_be_answered(busy: GovernanceWebApp) -> None:
    own = busy["approver"]
    change = await busy.acme.awaiting("SKU-1", 1000, 2000, author=str(own.member_id))
    path = f"{LIST}/{change}"
    page = (await own.get(path)).text
    assert "This is your own proposal" in page
    assert 'name="answer"' not in page
    other = await busy.acme.awaiting("SKU-2", 1000, 2000)
    forged = await own.post(path, {"answer": "approve"}, page=path, token=token_of(await own.get(f"{LIST}/{other}")))
    assert forged.status_code >= 400
    assert "cannot decide on your own proposal" in forged.text
    assert "Pending approval" in (await busy["viewer"].get(path)).text


async def test_a_late_answer_changes_nothing_and_leaves_the_expiry_to_its_job(busy: GovernanceWebApp) -> None:
    change = await busy.acme.awaiting("SKU-1", 1000, 2000, hours=-1)
    path = f"{LIST}/{change}"
    late = await busy["approver"].post(path, {"answer": "approve"}, page=path)
    assert late.status_code == 409
    assert "Nobody decided in time" in late.text
    assert "overdue" in (await busy["viewer"].get(LIST)).text
    audit = await busy.acme.count("SELECT count(*) FROM audit_entry WHERE tenant_id = :t AND action LIKE 'approval.%'")
    assert audit == 0


async def test_members_without_the_right_to_decide_see_a_notice(busy: GovernanceWebApp) -> None:
    change = await busy.acme.awaiting("SKU-1", 1000, 2000)
    path = f"{LIST}/{change}"
    assert "Your role cannot approve" in (await busy["viewer"].get(path)).text
    reply = await busy["viewer"].post(path, {"answer": "approve"}, page=path, token="none")
    assert reply.status_code == 403


async def test_ids_of_others_are_not_found(busy: GovernanceWebApp) -> None:
    theirs = await busy.borealis.awaiting("BOREALIS-1", 1000, 2000)
    mine = await busy.acme.awaiting("SKU-1", 1000, 2000)
    own_token = token_of(await busy["approver"].get(f"{LIST}/{mine}"))
    assert (await busy["approver"].get(f"{LIST}/{theirs}")).status_code == 404
    answer = await busy["approver"].post(f"{LIST}/{theirs}", {"answer": "approve"}, page=LIST, token=own_token)
    assert answer.status_code == 404
    assert (await busy["partner"].get(LIST)).status_code == 403


@pytest.mark.parametrize("text", ["x" * 2_001, "line\r\n" * 500, "é" * 2_100])
async def test_an_answer_that_is_too_long_is_redisplayed_with_the_error(busy: GovernanceWebApp, text: str) -> None:
    change = await busy.acme.awaiting("SKU-1", 1000, 2000)
    path = f"{LIST}/{change}"
    page = (await busy["approver"].get(path)).text
    assert 'maxlength="2000"' in page
    assert "0 of 2,000 characters" in page
    assert "required to decline" in page
    answer = await busy["approver"].post(path, {"answer": "decline", "reason": text}, page=path)
    kept = text.replace("\r\n", "\n")
    assert answer.status_code == 422
    assert html.unescape(answer.text).replace("\r\n", "\n").count(kept) == 1
    assert 'name="answer"' in answer.text
    assert re.search(r'class="error" id="f-reason-error">.*?at most 2,000', answer.text, re.DOTALL)
    assert 'aria-invalid="true"' in answer.text


async def test_line_breaks_count_as_browsers_count_them(busy: GovernanceWebApp) -> None:
    change = await busy.acme.awaiting("SKU-1", 1000, 2000)
    path = f"{LIST}/{change}"
    reply = await busy["approver"].post(path, {"answer": "decline", "reason": "x\r\n" * 1_000}, page=path)
    assert reply.status_code == 303, reply.text


async def test_a_declined_change_shows_no_delivery(busy: GovernanceWebApp) -> None:
    change = await busy.acme.awaiting("SKU-1", 1000, 2000)
    path = f"{LIST}/{change}"
    assert "Will show" in (await busy["approver"].get(path)).text
    await busy["approver"].post(path, {"answer": "decline", "reason": "No"}, page=path)
    for reader in ("approver", "viewer", "operator"):
        page = (await busy[reader].get(path)).text
        assert "Will show" not in page
        assert "Margin after" not in page
        assert "Channel delivery" not in page
    api = (await busy["viewer"].get(f"/api/v1/clients/acme/approvals/{change}")).json()
    assert {one["will_show"] for one in api["preview"]} == {None}


@pytest.mark.parametrize("reader", ["approver", "admin"])
async def test_an_own_answer_reads_as_you(busy: GovernanceWebApp, reader: str) -> None:
    change = await busy.acme.awaiting("SKU-1", 1000, 2000)
    path = f"{LIST}/{change}"
    reply = await busy[reader].post(path, {"answer": "decline", "reason": "No"}, page=path)
    assert reply.status_code == 303, reply.text
    for shown in (path, f"/clients/acme/changes/{change}", f"{LIST}?status=answered"):
        page = (await busy[reader].get(shown)).text
        assert re.search(r"\bYou\b", page), shown
    assert not re.search(r"\bYou\b", (await busy["viewer"].get(path)).text)


async def test_the_preview_refreshes_until_the_deliveries_have_ended(busy: GovernanceWebApp) -> None:
    acme = busy.acme
    change = await acme.awaiting("SKU-1", 1000, 2000)
    page = f"{LIST}/{change}"
    asks = f'hx-get="{page}/preview"'
    assert asks not in (await busy["approver"].get(page)).text
    assert (await busy["approver"].post(page, {"answer": "approve"}, page=page)).status_code == 303
    for path in (page, f"{page}/preview"):
        assert asks in (await busy["approver"].get(path)).text
    assert (await busy["stranger"].get(f"{page}/preview")).status_code == 404
    sent = await acme.change("SKU-2", 1000, 1040, states={"Web shop": "pending", "Harbour market": "failed"})
    page = f"{LIST}/{sent}/preview"
    for state, moves in (("pending", True), ("verified", False)):
        async with acme.db.transaction(acme.scope) as session:
            await session.execute(_USED, {"t": acme.scope.tenant_id, "asked": change, "sent": sent})
            await session.execute(_DELIVERED, {"t": acme.scope.tenant_id, "sent": sent, "state": state})
        shown = (await busy["approver"].get(page)).text
        assert (f'hx-get="{page}"' in shown) is moves
        assert "Web shop" in shown
