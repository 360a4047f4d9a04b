"""Page and API of retention: the next purge, holds, past purges, and permissions."""

import re
from urllib.parse import unquote

import pytest
from sqlalchemy import text

from tests.governance.pages.web_app import GovernanceWebApp

PAGE = "/clients/acme/retention"
API = "/api/v1/clients/acme/retention"


async def test_the_page_shows_policies_the_next_purge_and_no_purge_yet(busy: GovernanceWebApp) -> None:
    page = await busy["admin"].get(PAGE)
    assert page.status_code == 200, page.text
    for shown in ("Changes and deliveries", "Audit entries", "Usage events", "No deletions yet", "No legal holds"):
        assert shown in page.text
    assert "3,653 days" in page.text


async def test_a_policy_is_set_and_a_wrong_one_refused(busy: GovernanceWebApp) -> None:
    admin = busy["admin"]
    saved = await admin.post(f"{PAGE}/policy", {"data_class": "changes", "keep_days": "900", "element": ""}, page=PAGE)
    assert saved.status_code == 303
    assert "900 days" in (await admin.get(PAGE)).text
    assert unquote(saved.cookies["done"]) == "Retention period saved"
    for keep_days, said in (
        ("1", "at least 90 days"),
        ("never", "as a whole number"),
        ("²", "as a whole number"),
    ):
        form = {"data_class": "changes", "keep_days": keep_days, "element": ""}
        refused = await admin.post(f"{PAGE}/policy", form, page=PAGE)
        assert refused.status_code == 422
        assert said in refused.text
        assert f'value="{keep_days}"' in refused.text
        assert re.search(r'id="policy"[^>]*data-shown', refused.text)
    longer = {"data_class": "changes", "keep_days": "2000", "element": "price.list"}
    assert (await admin.post(f"{PAGE}/policy", longer, page=PAGE)).status_code == 303
    assert "List price: 2,000 days" in (await admin.get(PAGE)).text


async def test_a_hold_is_placed_shown_and_released_with_reasons(busy: GovernanceWebApp) -> None:
    admin = busy["admin"]
    form = {"data_class": "", "record_key": "SKU-1", "reason": "Case <b>17</b>"}
    assert (await admin.post(f"{PAGE}/holds", form, page=PAGE)).status_code == 303
    page = (await admin.get(PAGE)).text
    assert "1 legal hold is active" in page
    assert "Case &lt;b&gt;17&lt;/b&gt;" in page
    found = re.search(r"/retention/holds/([0-9a-f-]{36})/release", page)
    assert found is not None
    release = f"{PAGE}/holds/{found[1]}/release"
    refused = await admin.post(release, {"reason": " "}, page=PAGE)
    assert refused.status_code == 422
    assert re.search(rf'id="release-{found[1]}"[^>]*data-shown', refused.text)
    stranger = await busy["stranger"].post(
        f"/clients/borealis/retention/holds/{found[1]}/release", {"reason": "mine"}, page="/clients/borealis/retention"
    )
    assert stranger.status_code == 404
    assert (await admin.post(release, {"reason": "settled"}, page=PAGE)).status_code == 303
    assert "settled" in (await admin.get(PAGE)).text
    async with busy.acme.db.transaction(busy.acme.scope) as session:
        actions = list(await session.scalars(text("SELECT action FROM audit_entry WHERE action LIKE 'retention.%'")))
    assert actions == ["retention.hold_placed", "retention.hold_released"]


@pytest.mark.parametrize(
    ("who", "may_see", "may_change"),
    [("admin", 200, 204), ("staff", 200, 204), ("operator", 200, 403), ("viewer", 403, 403), ("stranger", 404, 404)],
)
async def test_reading_and_changing_need_permissions(
    busy: GovernanceWebApp, who: str, may_see: int, may_change: int
) -> None:
    reader = busy[who]
    assert (await reader.get(PAGE)).status_code == may_see
    seen = await reader.get(API)
    assert seen.status_code == may_see
    own = "/clients/borealis/retention" if who == "stranger" else "/clients/acme/changes"
    form = {"data_class": "changes", "keep_days": "800", "element": ""}
    posted = await reader.post(f"{PAGE}/policy", form, page=own)
    assert posted.status_code == {204: 303}.get(may_change, may_change)


async def test_the_api_places_a_hold_and_shows_it(busy: GovernanceWebApp) -> None:
    admin = busy["admin"]
    placed = await admin.call(f"{API}/holds", {"reason": "a lawsuit", "data_class": "changes"}, page=PAGE)
    assert placed.status_code == 201, placed.text
    view = (await admin.get(API)).json()
    assert view["holds"][0]["id"] == placed.json()["id"]
    assert next(one for one in view["classes"] if one["name"] == "changes")["is_held"] is True
    assert (await admin.call(f"{API}/holds", {"reason": "x", "data_class": "nothing"}, page=PAGE)).status_code == 404
    released = await admin.call(f"{API}/holds/{placed.json()['id']}/release", {"reason": "settled"}, page=PAGE)
    assert released.status_code == 204


async def test_the_msp_sets_a_default_for_all_its_clients(busy: GovernanceWebApp) -> None:
    staff, admin, defaults = busy["staff"], busy["admin"], "/api/v1/retention/defaults"
    saved = await staff.call(f"{defaults}/changes", {"keep_days": 1200}, page=PAGE, method="PUT")
    assert saved.status_code == 204, saved.text
    listed = {one["name"]: one for one in (await staff.get(defaults)).json()["items"]}
    assert (listed["changes"]["keep_days"], listed["changes"]["product_days"]) == (1200, 731)
    shown = next(one for one in (await admin.get(API)).json()["classes"] if one["name"] == "changes")
    assert (shown["keep_days"], shown["least_days"]) == (1200, 1200)
    refused = await admin.call(f"{API}/policies/changes", {"keep_days": 800}, page=PAGE, method="PUT")
    assert refused.status_code == 422
    for who, home, status in (("admin", "acme", 404), ("operator", "acme", 403), ("stranger", "borealis", 404)):
        page = f"/clients/{home}/changes"
        answer = await busy[who].call(f"{defaults}/changes", {"keep_days": 900}, page=page, method="PUT")
        assert answer.status_code == status, who
        assert (await busy[who].get(defaults)).status_code == {403: 200}.get(status, status), who


async def test_a_refused_hold_redisplays_its_dialog(busy: GovernanceWebApp) -> None:
    admin = busy["admin"]
    form = {"data_class": "changes", "record_key": "SKU-1", "reason": "x" * 2_001}
    refused = await admin.post(f"{PAGE}/holds", form, page=PAGE)
    assert refused.status_code == 422
    assert re.search(r'id="hold"[^>]*data-shown', refused.text)
    assert "x" * 2_001 in refused.text
    assert 'value="SKU-1"' in refused.text
    assert re.search(r'<option value="changes" selected', refused.text)


async def test_rows_of_a_table_that_was_never_analysed_are_counted(busy: GovernanceWebApp) -> None:
    form = {"data_class": "changes", "keep_days": "900", "element": ""}
    assert (await busy["admin"].post(f"{PAGE}/policy", form, page=PAGE)).status_code == 303
    view = (await busy["admin"].get(API)).json()
    async with busy.acme.db.transaction(busy.acme.scope) as session:
        entries = await session.scalar(text("SELECT count(*) FROM audit_entry"))
    shown = next(one for one in view["classes"] if one["name"] == "audit")
    assert shown["rows"] == entries > 0
    assert shown["rows_are_estimated"] is False
