"""Bulk actions in a real Chromium: the selection survives refreshes, the result gets the focus; without script too."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.branding.browser import AXE, RUN_AXE
from tests.governance.pages.test_browser import browser, serving  # noqa: F401
from tests.governance.pages.web_app import GovernanceWebApp

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
LIST = "/clients/acme/exceptions"
TICKS = "[data-select]:checked"


async def open_list(browser: Browser, busy: GovernanceWebApp, base: str, **options: object) -> Page:  # noqa: F811
    context = await browser.new_context(reduced_motion="reduce", **options)  # type: ignore[arg-type]
    await context.add_cookies([{"name": "session", "value": busy["approver"].cookie, "url": base}])
    page = await context.new_page()
    await page.goto(base + LIST)
    return page


async def test_rows_stay_selected_over_a_poll_and_the_result_has_the_focus(
    busy: GovernanceWebApp,
    browser: Browser,  # noqa: F811
    tmp_path: Path,
) -> None:
    for number in range(3):
        await busy.acme.exception("change.refused", f"Refused {number}")
    async with serving(busy, tmp_path) as base:
        page = await open_list(browser, busy, base, bypass_csp=True)
        await page.locator("[data-select]").first.check()
        await expect(page.locator("#bulk-count")).to_have_text("1 selected")
        await page.evaluate("htmx.trigger('#exceptions', 'every')")
        await expect(page.locator(TICKS)).to_have_count(1)
        await page.get_by_label("Select all on this page").check()
        await expect(page.locator("#bulk-count")).to_have_text("3 selected")
        await page.evaluate(AXE.read_text() + ";0")
        assert await page.evaluate(RUN_AXE) == []
        await page.locator("#bulk").get_by_role("button", name="Discard").click()
        await page.get_by_role("button", name="Back").click()
        await expect(page.locator(TICKS)).to_have_count(3)
        await page.get_by_role("button", name="Replay").click()
        result = page.locator(".notice[role=status]")
        await expect(result).to_contain_text("0 replayed, 3 refused")
        await expect(result).to_be_focused()
        await expect(page.locator(TICKS)).to_have_count(3)
        await page.get_by_role("button", name="Resolve").click()
        await expect(page.locator(".notice.is-ok")).to_contain_text("3 resolved")
        await expect(page).to_have_url(base + LIST)
        await page.evaluate(AXE.read_text() + ";0")
        assert await page.evaluate(RUN_AXE) == []
        for sku in ("SKU-1", "SKU-2", "SKU-3"):
            await busy.acme.awaiting(sku, 1000, 2000)
        await page.context.add_cookies([{"name": "session", "value": busy["staff"].cookie, "url": base}])
        await press_keys(page, f"{base}/inbox")
        await page.context.close()


async def test_rows_are_selected_and_acted_on_without_script(
    busy: GovernanceWebApp,
    browser: Browser,  # noqa: F811
    tmp_path: Path,
) -> None:
    for number in range(2):
        await busy.acme.exception("change.refused", f"Refused {number}")
    async with serving(busy, tmp_path) as base:
        page = await open_list(browser, busy, base, java_script_enabled=False)
        await expect(page.get_by_label("Select all on this page")).to_be_hidden()
        await page.get_by_role("link", name="Select all on this page").click()
        await expect(page.locator(TICKS)).to_have_count(2)
        await page.get_by_role("button", name="Resolve").click()
        await expect(page.locator(".notice[role=status]")).to_contain_text("2 resolved")
        await page.context.close()


async def press_keys(page: Page, address: str) -> None:
    """Keys move the focus among the rows of the inbox, tick, and open dialogs, except in text fields."""
    await page.goto(f"{address}?kind=approval")
    first, second = (page.locator("tbody td.lead a").nth(at) for at in (0, 1))
    await page.keyboard.press("j")
    await expect(first).to_be_focused()
    for key, row in (("j", second), ("k", first), ("k", first)):
        await page.keyboard.press(key)
        await expect(row).to_be_focused()
    await page.keyboard.press("Control+j")
    await expect(first).to_be_focused()
    await page.keyboard.press("x")
    await expect(page.locator(TICKS)).to_have_count(1)
    await page.keyboard.press("x")
    await page.keyboard.press("d")
    decline = page.locator("#key-decline")
    await expect(decline).to_be_visible()
    await expect(decline.locator("input[name=id]")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(first).to_be_focused()
    await page.keyboard.press("Shift+?")
    await expect(page.locator("#key-help")).to_be_visible()
    await page.evaluate(AXE.read_text() + ";0")
    assert await page.evaluate(RUN_AXE) == []
    await page.keyboard.press("Escape")
    reason = page.locator("#bulk input[name=reason]")
    await reason.focus()
    await page.keyboard.type("jaxd?")
    await expect(reason).to_have_value("jaxd?")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await first.focus()
    await page.keyboard.press("a")
    await page.locator("#key-approve").get_by_role("button", name="Approve").click()
    await expect(page.locator(".notice[role=status]")).to_be_visible()
    await page.locator("tbody td.lead a").first.focus()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/approvals/"))
