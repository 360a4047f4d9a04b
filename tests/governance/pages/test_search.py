"""Search from any page: clients of the MSP and records of the client, never those of others."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import text

from governance.records.titles import fold_text
from tests.governance.pages.samples import Sample
from tests.governance.pages.test_browser import browser, serving
from tests.governance.pages.web_app import GovernanceWebApp

__all__ = ["browser"]
ROOT = "/clients/acme"


async def name_record(sample: Sample, key: str, title: str) -> None:
    async with sample.db.transaction(sample.scope) as session:
        await session.execute(
            text("""
                INSERT INTO record_title (tenant_id, msp_id, record_key, title, search, record_type)
                VALUES (:tenant_id, :msp_id, :key, :title, :search, 'product')
            """),
            {**sample.own, "key": key, "title": title, "search": fold_text(title)},
        )


async def found(web_app: GovernanceWebApp, reader: str, wanted: str, root: str = ROOT) -> str:
    answer = await web_app[reader].get(f"{root}/search?q={wanted}")
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_records_are_found_by_key_and_by_name(web_app: GovernanceWebApp) -> None:
    await name_record(web_app.acme, "SKU-1", "Straße Lamp, 100% brass")
    await name_record(web_app.acme, "SKU-10", "Wall hook")
    await name_record(web_app.alien, "SKU-1", "Alien lamp")
    assert "Straße Lamp" in await found(web_app, "viewer", "STRASSE")
    assert "Straße Lamp" in await found(web_app, "viewer", "100%25")
    page = await found(web_app, "viewer", "sku-1")
    assert ("Straße Lamp" in page, "Wall hook" in page, "Alien" in page) == (True, True, False)
    exact_first = await found(web_app, "viewer", "SKU-1")
    assert exact_first.index("Straße Lamp") < exact_first.index("Wall hook")
    exact = await found(web_app, "viewer", "SKU-10")
    assert 'href="/clients/acme/changes?search=SKU-10"' in exact
    assert "Straße Lamp" not in exact


@pytest.mark.parametrize("wanted", ["", "%20", "%00", "%25", "_", "%5C", "no-such-thing", "x" * 3000])
async def test_odd_texts_find_nothing_and_break_nothing(web_app: GovernanceWebApp, wanted: str) -> None:
    await name_record(web_app.acme, "SKU-1", "Lamp")
    assert "Lamp" not in await found(web_app, "viewer", wanted)


async def test_staff_find_clients_of_their_msp(web_app: GovernanceWebApp) -> None:
    page = await found(web_app, "operator", "ACME", root="")
    assert 'href="/clients/acme/overview"' in page
    assert "borealis" not in page
    assert page.count("palette-item") == 2  # with the page of all results; the other MSP's client has the same name


async def read(web_app: GovernanceWebApp, reader: str, wanted: str, client: str = "acme") -> list[tuple[str, str, str]]:
    """Kind, title and path of the API's results; of all clients without `client`."""
    of = f"/clients/{client}" if client else ""
    answer = await web_app[reader].get(f"/api/v1{of}/search?q={wanted}")
    assert answer.status_code == 200, answer.text
    return [(item["kind"], item["title"], item["path"]) for item in answer.json()["items"]]


async def fill(web_app: GovernanceWebApp) -> None:
    """A record with an approval, an exception and a channel of the same name for each client, also the other MSP's."""
    for sample, name in ((web_app.acme, "Acme"), (web_app.borealis, "Borealis"), (web_app.alien, "Alien")):
        await sample.set_up(source=f"{name} SKU-7 ERP")
        await name_record(sample, "SKU-7", f"{name} lamp")
        await sample.awaiting("SKU-7", 1000, 2000)
        await sample.exception("change.refused", f"{name} refused", record="SKU-7")
        await sample.exception("change.refused", f"{name} closed", record="SKU-7", state="resolved")


async def test_a_client_finds_its_records_approvals_exceptions_connections_and_members(
    web_app: GovernanceWebApp,
) -> None:
    await fill(web_app)
    kinds = [(kind, title) for kind, title, _ in await read(web_app, "admin", "sku-7")]
    assert kinds == [
        ("record", "Acme lamp"), ("approval", "List price"), ("exception", "Acme refused"),
        ("connection", "Acme SKU-7 ERP"),
    ]  # fmt: skip
    assert [title for kind, title, _ in await read(web_app, "admin", "appro") if kind == "member"] == ["Approver"]
    for _, _, path in await read(web_app, "admin", "sku-7"):
        assert (await web_app["admin"].get(path)).status_code == 200, path
    assert (await web_app["stranger"].get("/api/v1/clients/acme/search?q=sku")).status_code == 404
    assert (await web_app["partner"].get("/api/v1/clients/acme/search?q=sku")).status_code == 403


async def test_members_are_found_by_those_who_may_read_them_only(web_app: GovernanceWebApp) -> None:
    assert await read(web_app, "admin", "viewer")
    assert await read(web_app, "viewer", "viewer") == []


async def test_staff_find_records_and_what_is_about_them_over_their_clients(web_app: GovernanceWebApp) -> None:
    await fill(web_app)
    found = await read(web_app, "staff", "SKU-7", client="")
    assert sorted((kind, path.split("/")[2]) for kind, _, path in found) == sorted(
        (kind, client) for kind in ("record", "approval", "exception", "connection") for client in ("acme", "borealis")
    )
    assert "Alien" not in str(found)
    for _, _, path in found:
        assert (await web_app["staff"].get(path)).status_code == 200, path
    begun = await read(web_app, "staff", "acme la", client="")
    assert begun == [("record", "Acme lamp", "/clients/acme/changes?search=SKU-7")]
    assert [kind for kind, _, _ in await read(web_app, "staff", "staff", client="")] == ["member"]
    assert (await web_app["viewer"].get("/api/v1/search?q=sku")).status_code in (403, 404)


async def test_clients_that_admit_staff_on_request_are_not_searched_over_all_clients(web_app: GovernanceWebApp) -> None:
    await fill(web_app)
    async with web_app.acme.db.transaction(web_app.acme.scope) as session:
        await session.execute(
            text("UPDATE client SET staff_access = 'on_request' WHERE tenant_id = :t"),
            {"t": web_app.acme.scope.tenant_id},
        )
    paths = [path for _, _, path in await read(web_app, "staff", "SKU-7", client="")]
    assert {path.split("/")[2] for path in paths} == {"borealis"}


async def test_the_page_of_results_groups_them(web_app: GovernanceWebApp) -> None:
    await fill(web_app)
    page = (await web_app["admin"].get(f"{ROOT}/search/results?q=sku-7")).text
    for title in ("Acme lamp", "Acme refused", "Acme SKU-7 ERP", "Pending approval"):
        assert title in page
    assert "Nothing found" in (await web_app["admin"].get(f"{ROOT}/search/results?q=nowhere")).text
    assert "What are you looking for?" in (await web_app["staff"].get("/search/results")).text


async def test_searching_needs_the_right_to_read(web_app: GovernanceWebApp) -> None:
    for reader, path in (("partner", f"{ROOT}/search"), ("viewer", "/search"), ("viewer", "/clients/borealis/search")):
        assert (await web_app[reader].get(f"{path}?q=a")).status_code in (403, 404)
    assert "data-palette-open" not in (await web_app["partner"].get(f"{ROOT}/channel")).text
    assert "data-palette-open" in (await web_app["viewer"].get(f"{ROOT}/overview")).text


@pytest.mark.real
async def test_by_keyboard(web_app: GovernanceWebApp, browser: Browser, tmp_path: Path) -> None:
    await name_record(web_app.acme, "SKU-1", "Brass lamp")
    async with serving(web_app, tmp_path) as base:
        context = await browser.new_context()
        await context.add_cookies([{"name": "session", "value": web_app["viewer"].cookie, "url": base}])
        page = await context.new_page()
        await page.goto(f"{base}{ROOT}/overview")
        await page.keyboard.press("Control+k")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.keyboard.type("excep")
        await expect(page.locator("[data-palette-entry]:visible")).to_have_count(1)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{ROOT}/exceptions")
        await page.keyboard.press("Control+k")
        await page.keyboard.type("brass")
        await expect(page.locator("#palette-found")).to_contain_text("Brass lamp")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{ROOT}/changes?search=SKU-1")
        await page.keyboard.press("Control+k")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_be_hidden()
        await context.close()
