"""In a browser: lists link to the previous page, results of actions are shown, characters of reasons are counted."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.governance.pages.test_browser import browser, serving  # noqa: F401
from tests.governance.pages.web_app import GovernanceWebApp

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


async def test_next_and_previous_lead_forth_and_back(
    busy: GovernanceWebApp,
    browser: Browser,  # noqa: F811
    tmp_path: Path,
) -> None:
    for number in range(60):
        await busy.acme.change(f"SKU-{number:03}", 1000, 1040, at=100 + number, is_current=False)
    async with serving(busy, tmp_path) as base:
        context = await browser.new_context()
        await context.add_cookies([{"name": "session", "value": busy["viewer"].cookie, "url": base}])
        page = await context.new_page()
        await page.goto(f"{base}/clients/acme/changes")
        first = page.locator("#main tbody .lead a").first
        for shown in ("SKU-000", "SKU-025", "SKU-050"):
            await expect(first).to_have_text(shown)
            if shown != "SKU-050":
                await page.get_by_role("link", name="Next").click()
        for shown in ("SKU-025", "SKU-000"):
            await page.get_by_role("link", name="Previous").click()
            await expect(first).to_have_text(shown)
        await expect(page.get_by_role("link", name="Previous")).to_have_count(0)
        await context.close()


async def test_a_reasons_length_is_counted_and_the_result_announced(
    busy: GovernanceWebApp,
    browser: Browser,  # noqa: F811
    tmp_path: Path,
) -> None:
    change = await busy.acme.awaiting("SKU-1", 1000, 2000)
    async with serving(busy, tmp_path) as base:
        context = await browser.new_context()
        await context.add_cookies([{"name": "session", "value": busy["approver"].cookie, "url": base}])
        page = await context.new_page()
        await page.goto(f"{base}/clients/acme/approvals/{change}")
        await page.get_by_label("Reason").fill("Too high")
        await expect(page.locator("#f-reason-count")).to_have_text("8 of 2,000 characters")
        await page.get_by_role("button", name="Decline").click()
        await expect(page.locator("#toasts")).to_contain_text("Declined")
        await page.reload()
        await expect(page.locator("#toasts [data-toast]")).to_have_count(0)
        await context.close()
