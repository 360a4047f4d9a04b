"""Saved views of lists: filters, order and columns under a name, private or shared, and opened by default."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from foundation.web.saved_views import SavedView, column_name, column_names, hidden_columns
from governance.exception_queue.lists import EXCEPTIONS
from tenants.list_views.manage import MOST
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")
VIEW = {"list": "exceptions", "name": "Old ones", "filters": {"status": "resolved"}, "sort": "-seen"}


async def save(visit: Visit, root: str = "", status: int = 201, **more: Any) -> Any:
    answer = await visit.api("POST", f"/api/v1{root}/list-views", VIEW | more)
    assert answer.status_code == status, answer.text
    return answer.json()


def row_of(page: str) -> str:
    found = re.search(r'<nav aria-label="Saved views">.*?</nav>', page, re.DOTALL)
    return found[0] if found else ""


async def test_a_view_is_saved_above_the_list_opened_by_its_link_and_by_default(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    address = f"/clients/{msp_setup.slug}/members"
    page = await admin.get(f"{address}?sort=-email")
    assert "Save view" in page.text
    assert not row_of(page.text)
    form = {"list": "members", "back": address, "query": "?sort=-email&columns=member,state", "name": " Names & <i> "}
    saved = await admin.post("/list-views", form | {"default": "on"})
    assert saved.status_code == 303, saved.text
    [one] = (await admin.api("GET", "/api/v1/list-views?list=members")).json()["items"]
    assert (one["name"], one["sort"], one["columns"]) == ("Names & <i>", "-email", ["member", "state"])
    assert (
        saved.headers["location"] == f"{address}?sort=-email&columns={quote('member,state', safe='')}&view={one['id']}"
    )
    opened = (await admin.get(saved.headers["location"])).text
    assert "Names &amp; &lt;i&gt;" in row_of(opened)
    assert 'class="table hide-3 hide-4"' in opened
    by_default = (await admin.get(address)).text
    assert 'class="table hide-3 hide-4"' in by_default
    assert f"{address}.csv?sort=-email" in by_default
    assert 'aria-current="true">All rows' not in re.sub(r"\s+", " ", row_of(by_default))
    for query in ("?view=none", "?sort=email", "?view=4c1bbb6e-0000-7000-8000-000000000000", "?columns=zzz"):
        assert 'class="table"' in (await admin.get(address + query)).text
    assert "does not exist any more" in (await admin.get(f"{address}?view=gone")).text
    own = (await admin.get(f"{address}.csv")).text.splitlines()[0]
    assert own == (await admin.get(f"{address}.csv?sort=email")).text.splitlines()[0]
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert "Names &amp;" not in (await approver.get(address)).text
    back = await admin.post("/list-views", form | {"name": "Elsewhere", "back": "//evil.example/", "query": ""})
    assert back.headers["location"] == "/list-views"


async def test_filters_and_columns_that_a_list_no_longer_has_are_ignored_with_a_notice(
    msp_setup: MspSetup, admin: Visit
) -> None:
    address = f"/clients/{msp_setup.slug}/exceptions"
    made = await save(admin, filters={"status": "melted", "colour": "red"}, sort="-taste", columns=["taste"])
    page = await admin.get(f"{address}?view={made['id']}")
    assert page.status_code == 200
    assert "colour, status, sort" in page.text
    assert (await admin.get("/exceptions")).status_code == 404
    await admin.api(
        "PUT", f"/api/v1/list-views/{made['id']}", VIEW | {"filters": {"status": "melted"}, "default": True}
    )
    assert (await admin.get(address)).status_code == 200


async def test_views_are_private_or_shared_by_those_who_may_and_shared_ones_are_audited(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv, other_env: ClientEnv
) -> None:
    root = f"/clients/{msp_setup.slug}"
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    mine = await save(approver, root)
    await save(approver, root, status=403, name="For all", shared=True)
    await save(admin, root, status=404)  # staff have theirs in the MSP's account
    assert (await admin.api("GET", "/api/v1/list-views")).json()["items"] == []
    for method in ("PUT", "DELETE"):
        answer = await admin.api(method, f"/api/v1/list-views/{mine['id']}", VIEW if method == "PUT" else None)
        assert answer.status_code == 404
    shared = await save(admin, name="For staff", shared=True)
    await admin.api("PUT", f"/api/v1/list-views/{shared['id']}", VIEW | {"name": "For all", "shared": True})
    other = await set_up_msp(other_env, name="Elsewhere")
    stranger = await web_app.signed_in(other.host, other.admin)
    assert (await stranger.api("GET", "/api/v1/list-views")).json()["items"] == []
    assert (await stranger.api("DELETE", f"/api/v1/list-views/{shared['id']}")).status_code == 404
    assert (await stranger.api("GET", f"/api/v1{root}/list-views")).status_code == 404
    assert (await stranger.post(f"/list-views/{shared['id']}", {"name": "x"})).status_code == 404
    assert (await stranger.post(f"/list-views/{shared['id']}/delete")).status_code == 404
    assert (await admin.post(f"/list-views/{shared['id']}", {"name": "Mine again"})).status_code == 303
    assert (await admin.post(f"/list-views/{shared['id']}/delete")).status_code == 303
    async with env.services.db.transaction(env.msp_account) as session:
        found = await session.execute(
            text("SELECT action FROM audit_entry WHERE tenant_id = msp_id AND action LIKE 'list_view.%' ORDER BY seq")
        )
        assert [row.action for row in found] == ["list_view.shared", "list_view.changed", "list_view.withdrawn"]


async def test_names_are_unique_and_their_number_is_limited(msp_setup: MspSetup, admin: Visit, env: ClientEnv) -> None:
    first = await save(admin)
    assert "already has this name" in (await save(admin, status=422))["detail"]
    await save(admin, list="changes")
    async with env.services.db.transaction(env.msp_account) as session:
        await session.execute(
            text(
                "INSERT INTO list_view SELECT tenant_id, msp_id, gen_random_uuid(), member_id, list, 'n' || n,"
                " false, filters, sort, columns, saved_at, saved_by"
                " FROM list_view, generate_series(2, :most) n WHERE list = 'exceptions'"
            ),
            {"most": MOST},
        )
    assert "Delete one first" in (await save(admin, status=422, name="One more"))["detail"]
    refused = await admin.post("/list-views", {"list": "exceptions", "name": "One more", "query": "", "back": "/"})
    assert (refused.status_code, "Delete one first" in refused.text) == (422, True)
    assert (await admin.api("DELETE", f"/api/v1/list-views/{first['id']}")).status_code == 204
    await save(admin, name="One more")
    for wrong in ({"name": " "}, {"name": "n" * 61}, {"list": "../x"}, {"columns": ["<b>"]}):
        await save(admin, status=422 if "name" in wrong and wrong["name"] == " " else 400, **wrong)


async def test_columns_are_known_by_their_english_labels_and_the_first_stays() -> None:
    assert column_name("Changes, 24 h") == "changes-24-h"
    assert column_names(["a,b", "b", "<i>", "c\n", ""]) == ["a", "b"]
    assert hidden_columns(["item", "client", "", "due"], ["due"]) == [1]
    assert hidden_columns(["item", "client"], ["nothing"]) == []
    view = SavedView(id=None, name="x", values={"status": "resolved", "b": "c"}, sort="no")  # type: ignore[arg-type]
    assert EXCEPTIONS.fit(view) == ({"status": "resolved"}, ["b", "sort"])
