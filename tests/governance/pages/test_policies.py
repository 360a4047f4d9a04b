"""Pages and API of the policy: rules as sentences, drafts, publication by another member, rollback, isolation."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from foundation.clock import utc_now
from foundation.ids import new_id
from policy.inheritance import omit
from policy.publishing import publish_rules
from policy.rules import PolicyRule, RuleKind
from tests.governance.pages.web_app import GovernanceWebApp

PAGE = "/clients/acme/policy"
API = "/api/v1/clients/acme/policy"
RULE = {
    "element": "price.list",
    "outcome": "review",
    "terms": [
        {"kind": "direction", "values": ["up"]},
        {"kind": "change_percent", "comparison": "more_than", "values": ["2.5"]},
        {"kind": "jurisdiction", "comparison": "any_of", "values": ["EU"]},
    ],
}


async def call(web_app: GovernanceWebApp, name: str, path: str, body: object) -> Any:
    return await web_app[name].call(f"{API}{path}", body, page=PAGE)


async def test_the_api_drafts_a_rule_and_another_member_publishes_it(busy: GovernanceWebApp) -> None:
    saved = await call(busy, "admin", "/draft/rules", RULE)
    assert saved.status_code == 201, saved.text
    rule = saved.json()["rule"]
    assert rule["sentence"] == "List price: up by more than 2.5%, in EU → needs approval"
    assert rule["casbin"].startswith(f"p2,*,{busy.acme.scope.tenant_id},price.list,review,")
    assert (await busy["admin"].get(API)).json()["version"] == 1
    refused = await call(busy, "admin", "/draft/publish", {"revision": 1})
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (403, "own-draft")
    assert (await call(busy, "staff", "/draft/publish", {"revision": 7})).status_code == 409
    published = await call(busy, "staff", "/draft/publish", {"revision": 1})
    assert (published.status_code, published.json()) == (200, {"version": 2})
    rules = (await busy["viewer"].get(API)).json()["rules"]
    assert rule["id"] in {one["id"] for one in rules}
    assert (await busy["admin"].get(f"{API}/draft")).status_code == 404


async def test_an_earlier_version_is_drafted_and_published_again(busy: GovernanceWebApp) -> None:
    before = (await busy["admin"].get(API)).json()["rules"]
    await call(busy, "admin", "/draft/remove", {"rule_id": "price-below-cost"})
    await call(busy, "admin", "/draft/rules", RULE | {"rule_id": "price-large-change"})
    await call(busy, "staff", "/draft/publish", {"revision": 2})
    drafted = await call(busy, "operator", "/draft/restore", {"version": 1})
    assert drafted.json()["restores"] == 1
    assert {one["kind"] for one in drafted.json()["differences"]} == {"added", "changed"}
    assert (await call(busy, "operator", "/draft/publish", {"revision": 1})).status_code == 403
    assert (await call(busy, "admin", "/draft/publish", {"revision": 1})).json() == {"version": 3}
    after = (await busy["admin"].get(API)).json()["rules"]
    assert {one["id"]: one for one in after} == {one["id"]: one for one in before}
    newest, *_ = (await busy["admin"].get(f"{API}/versions")).json()
    assert (newest["version"], newest["restores"], newest["editors"]) == (3, 1, ["Operator"])
    again = await call(busy, "operator", "/draft/restore", {"version": 1})
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "nothing-drafted")


async def test_a_reverted_edit_and_an_edit_to_the_same_leave_no_difference(busy: GovernanceWebApp) -> None:
    await call(busy, "admin", "/draft/remove", {"rule_id": "price-below-cost"})
    reverted = await call(busy, "staff", "/draft/revert", {"rule_id": "price-below-cost"})
    assert reverted.json()["differences"] == []
    same = next(one for one in (await busy["admin"].get(API)).json()["rules"] if one["id"] == "stock-negative")
    fields = {name: same[name] for name in ("element", "outcome", "origin", "terms", "reason")}
    assert (await call(busy, "admin", "/draft/rules", fields | {"rule_id": "stock-negative"})).status_code == 201
    assert (await busy["admin"].get(f"{API}/draft")).json()["differences"] == []


async def test_a_term_that_the_element_has_no_fact_for_is_refused(busy: GovernanceWebApp) -> None:
    wrong = await call(
        busy, "admin", "/draft/rules", RULE | {"element": "stock.on_hand", "terms": [{"kind": "below_cost"}]}
    )
    assert wrong.status_code == 422
    assert "stock.on_hand" in wrong.json()["detail"]
    inexact = [{"kind": "new_value", "comparison": "less_than", "values": ["9.999"]}]
    currency = [{"kind": "currency", "comparison": "any_of", "values": ["EUR"]}]
    assert (await call(busy, "admin", "/draft/rules", RULE | {"terms": inexact})).status_code == 422
    assert (await call(busy, "admin", "/draft/rules", RULE | {"terms": inexact + currency})).status_code == 422
    assert (await busy["admin"].get(f"{API}/draft")).status_code == 404


async def test_the_page_edits_a_rule_and_redisplays_refused_input(busy: GovernanceWebApp) -> None:
    admin = busy["admin"]
    page = (await admin.get(PAGE)).text
    assert "below cost" in page
    assert "p2,*" in page
    form = (await admin.get(f"{PAGE}/rule?rule=price-large-change")).text
    assert 'value="5"' in form
    fields = {
        "rule": "price-large-change", "element": "price.list", "origin": "*", "outcome": "review",
        "change_percent_how": "more_than", "change_percent": "two",
        "jurisdiction": "EU, CH", "jurisdiction_how": "any_of",
    }  # fmt: skip
    refused = await admin.post(f"{PAGE}/rule", fields, page=f"{PAGE}/rule?rule=price-large-change")
    assert refused.status_code == 422
    assert 'value="two"' in refused.text
    saved = await admin.post(f"{PAGE}/rule", fields | {"change_percent": "2"}, page=f"{PAGE}/rule?element=price.list")
    assert saved.status_code == 303, saved.text
    draft = (await admin.get(f"{PAGE}/draft")).text
    assert "A change of more than 2%, in EU, CH" in draft
    assert "Another member must publish this draft" in draft
    other = (await busy["staff"].get(f"{PAGE}/draft")).text
    assert "Publish this draft?" in other
    published = await busy["staff"].post(f"{PAGE}/draft/publish", {"revision": "1"}, page=f"{PAGE}/draft")
    assert published.status_code == 303
    assert "A change of more than 2%, in EU, CH" in (await busy["viewer"].get(PAGE)).text
    assert "Version 2" in (await busy["viewer"].get(f"{PAGE}/versions")).text


async def test_a_rule_names_who_approves_on_the_page_and_in_the_api(busy: GovernanceWebApp) -> None:
    admin = busy["admin"]
    form = (await admin.get(f"{PAGE}/rule?element=price.list")).text
    approvers = form.partition('name="approver"')[2].partition("</select>")[0]
    assert '<option value="client_approver"' in approvers
    assert '<option value="client_viewer"' not in approvers
    assert re.search(r'"client_supervisor"[^>]*>Supervisor<', form)
    assert re.search(r'"msp_supervisor"[^>]*>Supervisor of the service provider<', form)
    fields = {"rule": "", "element": "price.list", "origin": "*", "outcome": "review", "approver": "client_approver"}
    refused = await admin.post(f"{PAGE}/rule", fields | {"approvals": "9"}, page=f"{PAGE}/rule?element=price.list")
    assert (refused.status_code, "Between 1 and 5" in refused.text) == (422, True)
    saved = await admin.post(f"{PAGE}/rule", fields | {"approvals": "2"}, page=f"{PAGE}/rule?element=price.list")
    assert saved.status_code == 303, saved.text
    assert "2 × Client approver" in (await admin.get(f"{PAGE}/draft")).text
    [added] = (await admin.get(f"{API}/draft")).json()["differences"]
    rule = added["after"]
    assert (rule["approver"], rule["approvals"]) == ("client_approver", 2)
    assert rule["sentence"] == "List price: always → needs approval: 2 × Client approver"
    again = (await admin.get(f"{PAGE}/rule?rule={rule['id']}")).text
    assert '<option value="client_approver" selected' in again
    wrong = await call(busy, "admin", "/draft/rules", RULE | {"outcome": "auto", "approvals": 2})
    assert (wrong.status_code, wrong.json()["type"].rpartition("/")[2]) == (422, "invalid-policy-rule")
    unknown = await call(busy, "admin", "/draft/rules", RULE | {"approver": "wizards"})
    assert unknown.status_code == 201
    revision = (await admin.get(f"{API}/draft")).json()["revision"]
    refused = await call(busy, "staff", "/draft/publish", {"revision": revision})
    assert (refused.status_code, "Wizards" in refused.json()["detail"]) == (422, True)


async def test_roles_draft_and_publish_apart_and_others_see_nothing(busy: GovernanceWebApp) -> None:
    for name in ("viewer", "approver"):
        assert (await call(busy, name, "/draft/rules", RULE)).status_code == 403
        assert (await busy[name].get(f"{PAGE}/rule")).status_code == 403
        assert (await busy[name].get(PAGE)).status_code == 200
    assert (await call(busy, "operator", "/draft/rules", RULE)).status_code == 201
    assert (await busy["operator"].get(f"{PAGE}/draft")).status_code == 200
    assert (await busy["partner"].get(PAGE)).status_code == 403
    for path in ("", "/draft", "/versions", "/rule"):
        assert (await busy["stranger"].get(f"{PAGE}{path}")).status_code == 404
    here = "/api/v1/clients/borealis/policy"
    assert (await busy["stranger"].get(f"{here}/draft")).status_code == 404
    other = await busy["stranger"].call(f"{here}/draft/publish", {"revision": 1}, page="/clients/borealis/policy")
    assert other.status_code == 404


async def test_a_replay_lists_and_exports_its_differences_to_its_own_account_only(busy: GovernanceWebApp) -> None:
    change = await busy.acme.change("SKU-1", 1000, 1040)
    replay_id = await busy.acme.replay(change)
    found = (await busy["viewer"].get(f"{API}/replays/{replay_id}")).json()
    assert (found["differing"], found["published"], found["is_current"]) == (
        1, {"auto": 819_991, "review": 9, "refuse": 0}, True,
    )  # fmt: skip
    assert found["money"] == [{"currency": "EUR", "before": "auto", "after": "review", "amount": "0.4"}]
    listed = f"{API}/replays/{replay_id}/differences"
    [one] = (await busy["viewer"].get(listed)).json()["items"]
    assert (one["change_id"], one["before"], one["after"]) == (str(change), "auto", "review")
    assert len((await busy["viewer"].get(f"{listed}?way=auto%3Ereview")).json()["items"]) == 1
    assert (await busy["viewer"].get(f"{listed}?way=refuse%3Eauto")).json()["items"] == []
    assert (await busy["viewer"].get(f"{listed}?way=up")).status_code == 400
    page = (await busy["viewer"].get(f"{PAGE}/replays/{replay_id}")).text
    assert f"/clients/acme/changes/{change}" in page
    assert found["reviewer_minutes_per_day"] == round(2 * found["draft"]["review"] / found["days"], 1)
    assert (found["handling_seconds"], found["is_handling_measured"]) == (120, False)
    assert "each is assumed: too few past answers" in page
    assert (await busy["viewer"].get(f"{PAGE}/replays/{replay_id}/progress")).status_code == 200
    file = await busy["viewer"].get(f"{PAGE}/replays/{replay_id}/differences.csv")
    assert str(change) in file.text
    for address in (listed, f"{API}/replays/{replay_id}", f"{PAGE}/replays/{replay_id}"):
        here = address.replace("/acme/", "/borealis/")
        assert (await busy["stranger"].get(address)).status_code == 404
        assert (await busy["stranger"].get(here)).status_code == 404
    assert (await busy["partner"].get(listed)).status_code == 403


async def test_starting_a_replay_needs_the_right_to_draft(busy: GovernanceWebApp) -> None:
    assert (await call(busy, "admin", "/replays", {"days": 30})).status_code == 404
    await call(busy, "admin", "/draft/rules", RULE)
    assert (await call(busy, "viewer", "/replays", {"days": 30})).status_code == 403
    assert (await call(busy, "admin", "/replays", {"days": 0})).status_code == 400
    started = await call(busy, "admin", "/replays", {"days": 30})
    assert started.status_code == 202
    posted = await busy["operator"].post(f"{PAGE}/replays", {"days": "7"}, page=f"{PAGE}/draft")
    assert posted.status_code == 303
    draft = (await busy["viewer"].get(f"{API}/draft")).json()
    assert [(one["days"], one["state"]) for one in draft["replays"]] == [(7, "running"), (30, "running")]


async def test_the_msps_own_policy_is_staffs_only_and_marks_what_clients_cannot_change(busy: GovernanceWebApp) -> None:
    staff = busy["staff"]
    page = (await staff.get("/policy")).text
    assert "These rules apply to all your clients" in page
    assert "Clients cannot change or remove this rule" in (await staff.get("/policy/rule?element=price.list")).text
    fields = {"rule": "", "element": "price.list", "origin": "*", "outcome": "review", "locked": "on"}
    saved = await staff.post("/policy/rule", fields, page="/policy/rule?element=price.list")
    assert saved.status_code == 303, saved.text
    draft = (await staff.get("/policy/draft")).text
    assert "Locked for clients" in draft
    assert "Replay" not in draft
    [added] = (await staff.get("/api/v1/policy/draft")).json()["differences"]
    assert (added["after"]["locked"], added["after"]["source"]) == (True, "own")
    for name in ("admin", "viewer", "partner", "stranger"):
        assert (await busy[name].get("/api/v1/policy")).status_code in {403, 404}
        assert (await busy[name].get("/policy/draft")).status_code in {403, 404}
    assert "Clients cannot change" not in (await busy["admin"].get(f"{PAGE}/rule?element=price.list")).text
    refused = await call(busy, "admin", "/draft/rules", RULE | {"locked": True})
    assert refused.status_code == 422
    assert (await call(busy, "admin", "/draft/inherit", {"rule_id": "price-below-cost"})).status_code == 404


async def test_the_line_of_casbin_is_shown_below_each_rule_and_decisions_link_to_their_rule(
    busy: GovernanceWebApp,
) -> None:
    page = (await busy["viewer"].get(PAGE)).text
    assert '<tr id="rule-price-large-change">' in page
    assert page.count("<details>") == page.count("rule-line")
    assert 'data-label="Casbin"' not in page
    change = await busy.acme.awaiting("SKU-1", 1000, 2000)
    for path in (f"/clients/acme/approvals/{change}", f"/clients/acme/changes/{change}"):
        assert f'href="{PAGE}#rule-price-large-change"' in (await busy["viewer"].get(path)).text


async def test_an_msp_sees_which_clients_replace_or_omit_its_rules(busy: GovernanceWebApp) -> None:
    base = PolicyRule(id="ours", ptype=RuleKind.GOVERNANCE, sub="*", dom="", obj="price.list", act="refuse")
    for sample, own in (
        (busy.acme, omit(base)), (busy.borealis, replace(base, act="review", overrides=base)), (busy.alien, omit(base)),
    ):  # fmt: skip
        async with sample.db.transaction(sample.scope) as session:
            await publish_rules(session, sample.scope, rules=[own], clock=utc_now, new_id=new_id)
    listed = (await busy["operator"].get("/api/v1/policy/overrides")).json()["items"]
    assert [(one["client"], one["rule_id"], one["override"], one["sentence"]) for one in listed] == [
        ("acme", "ours", "omits", "List price: always → is refused"),
        ("borealis", "ours", "replaces", "List price: always → is refused"),
    ]
    page = (await busy["operator"].get("/policy/overrides?override=omits")).text
    assert 'href="/clients/acme/policy#rule-ours"' in page
    assert "/clients/borealis/policy#rule-ours" not in page
    assert 'href="/policy/overrides"' in (await busy["operator"].get("/policy")).text
    assert "/policy/overrides" not in (await busy["admin"].get(PAGE)).text
    for name in ("admin", "partner"):
        assert (await busy[name].get("/api/v1/policy/overrides")).status_code in {403, 404}


async def test_a_draft_is_scheduled_shown_and_withdrawn_on_the_pages(busy: GovernanceWebApp) -> None:
    await call(busy, "admin", "/draft/rules", RULE)
    staff = busy["staff"]
    wrong = await staff.post(f"{PAGE}/draft/publish", {"revision": "1", "publish_at": "soon"}, page=f"{PAGE}/draft")
    assert (wrong.status_code, "is not a time" in wrong.text) == (422, True)
    at = f"{utc_now() + timedelta(days=2):%Y-%m-%dT%H:%M}"
    done = await staff.post(f"{PAGE}/draft/publish", {"revision": "1", "publish_at": at}, page=f"{PAGE}/draft")
    assert done.status_code == 303, done.text
    assert "Other rules come into force" in (await busy["viewer"].get(PAGE)).text
    [one] = (await busy["viewer"].get(f"{API}/scheduled")).json()
    assert (one["state"], one["publish_at"][:16]) == ("scheduled", at)
    assert f"scheduled-{one['id']}" in (await staff.get(f"{PAGE}/versions")).text
    for name in ("viewer", "operator"):
        assert (await call(busy, name, "/scheduled/withdraw", {"id": one["id"]})).status_code == 403
    assert (await call(busy, "viewer", "/replays", {"days": 7, "scheduled": one["id"]})).status_code == 403
    assert (await call(busy, "operator", "/replays", {"days": 7, "scheduled": str(new_id())})).status_code == 404
    assert (await call(busy, "operator", "/replays", {"days": 7, "scheduled": one["id"]})).status_code == 202
    posted = await busy["operator"].post(
        f"{PAGE}/replays", {"days": "14", "scheduled": one["id"]}, page=f"{PAGE}/versions"
    )
    assert posted.status_code == 303
    [one] = (await busy["viewer"].get(f"{API}/scheduled")).json()
    assert (one["replay"]["days"], one["replay"]["state"], one["replay"]["of_scheduled"]) == (14, "running", True)
    assert f"/policy/replays/{one['replay']['id']}" in (await busy["viewer"].get(f"{PAGE}/versions")).text
    gone = await staff.post(f"{PAGE}/scheduled/withdraw", {"id": one["id"]}, page=f"{PAGE}/versions")
    assert gone.status_code == 303
    assert (await call(busy, "staff", "/scheduled/withdraw", {"id": one["id"]})).status_code == 404
    again = await call(busy, "staff", "/draft/schedule", {"revision": 1, "publish_at": f"{at}:00Z"})
    assert (again.status_code, (await busy["admin"].get(API)).json()["version"]) == (200, 1)
