"""Names of 120 characters and seven-digit prices stay in their cells, in a browser."""

from pathlib import Path

import pytest
from playwright.async_api import Browser
from sqlalchemy import text

from governance.records.titles import fold_text
from tests.governance.pages.test_browser import browser, serving  # noqa: F401
from tests.governance.pages.web_app import GovernanceWebApp

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

LONG = "Toolbox with screwdrivers, pliers and drills, stainless steel, 240 parts, with wheels and a handle, size XXXL"
OVERFLOWS = """() => [...document.querySelectorAll("#main td, #main .about, #main dd")]
  .filter((cell) => cell.checkVisibility() && cell.scrollWidth > cell.clientWidth + 1)
  .map((cell) => `${cell.scrollWidth} in ${cell.clientWidth}: ${cell.textContent.trim().slice(0, 60)}`)"""


async def test_long_names_and_prices_stay_in_their_cells(
    busy: GovernanceWebApp,
    browser: Browser,  # noqa: F811
    tmp_path: Path,
) -> None:
    acme = busy.acme
    channels = {"Web shop": "verified", "Harbour market": "verified"}
    change = await acme.change("SKU-1", 123_456_789, 223_456_789, states=channels, at=5)
    waiting = await acme.awaiting("SKU-2", 123_456_789, 223_456_789)
    async with acme.db.transaction(acme.scope) as session:
        whose = {"t": acme.scope.tenant_id, "m": acme.scope.msp_id, "title": LONG, "search": fold_text(LONG)}
        for key in ("SKU-1", "SKU-2"):
            row = text("INSERT INTO record_title VALUES (:t, :m, :key, :title, :search)")
            await session.execute(row, whose | {"key": key})
    async with serving(busy, tmp_path) as base:
        for width in (1280, 390):
            for who, paths in (
                ("viewer", ("overview", "changes", f"changes/{change}", "approvals", f"approvals/{waiting}")),
                ("partner", ("channel", "channel/values")),
            ):
                context = await browser.new_context(viewport={"width": width, "height": 900})
                await context.add_cookies([{"name": "session", "value": busy[who].cookie, "url": base}])
                page = await context.new_page()
                for path in paths:
                    await page.goto(f"{base}/clients/acme/{path}")
                    await page.evaluate("document.fonts.ready")
                    clipped = await page.evaluate(OVERFLOWS)
                    assert clipped == [], (who, path, width)
                await context.close()
