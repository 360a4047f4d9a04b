"""The page of an MSP's retention defaults: periods, clients that keep longer, the preview of a change, holds."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import unquote

import pytest
from sqlalchemy import text

from controlplane.rooms import ROOMS
from governance.retention.change_policy import set_default
from governance.retention.defaults.fleet_plan import MOST_PREVIEWED
from tests.governance.pages.samples import Sample
from tests.governance.pages.web_app import GovernanceWebApp

PAGE = "/retention"
SAVE = "/retention/defaults"


def lines_of(page: str, caption: str) -> dict[str, str]:
    """Text of each row of a table, by its first cell's first line."""
    table = page[page.index(f">{caption}</caption>") :]
    rows = re.findall(r"<tr>(.*?)</tr>", table[: table.index("</table>")], re.DOTALL)
    words = [" ".join(unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in rows[1:]]
    return {re.split(r" (?=[0-9A-Z—]|a longer)", each)[0]: each for each in words}


def defaults_of(page: str) -> dict[str, str]:
    return lines_of(page, "Default period of each kind of data")


def preview_of(page: str) -> dict[str, str]:
    return lines_of(page, "Preview by account")


async def keep(busy: GovernanceWebApp, days: int, *, client: str = "acme", data_class: str = "changes") -> None:
    page = f"/clients/{client}/retention"
    form = {"data_class": data_class, "keep_days": str(days), "element": ""}
    assert (await busy["staff"].post(f"{page}/policy", form, page=page)).status_code == 303


async def age(sample: Sample, days: int, number: int) -> None:
    """Changes that were made `days` ago."""
    for each in range(number):
        key = f"OLD-{days}-{each}"
        await sample.change(key, 1, 2, at=timedelta(days=days).total_seconds(), is_current=False, states={})


async def test_the_page_shows_each_default_and_accounts_with_longer_periods(busy: GovernanceWebApp) -> None:
    await keep(busy, 1_500)
    await keep(busy, 1_800, client="borealis")
    page = await busy["staff"].get(PAGE)
    assert page.status_code == 200, page.text
    shown = defaults_of(page.text)
    assert len(shown) == len(ROOMS.retained)
    line = shown["Changes and deliveries"]
    assert "731 days" in line
    assert "at least 90" in line
    assert re.search(r"Borealis 1,800 days Acme 1,500 days", line, re.IGNORECASE)
    assert 'href="/clients/acme/retention"' in page.text
    assert "None" in shown["Closed exceptions"]


async def test_a_period_within_the_default_is_not_listed_as_longer(busy: GovernanceWebApp) -> None:
    await keep(busy, 800)
    form = {"data_class": "changes", "keep_days": "1200"}
    saved = await busy["staff"].post(SAVE, form, page=PAGE)
    assert saved.status_code == 303
    assert unquote(saved.cookies["done"]) == "Default saved"
    line = defaults_of((await busy["staff"].get(PAGE)).text)["Changes and deliveries"]
    assert "1,200 days product default 731" in line
    assert "None" in line


async def test_a_preview_lists_deletions_per_account_and_changes_nothing(busy: GovernanceWebApp) -> None:
    await age(busy.acme, 500, 3)
    await age(busy.borealis, 500, 2)
    await age(busy.alien, 500, 5)
    await keep(busy, 1_500, client="borealis")
    page = await busy["staff"].get(f"{PAGE}?data_class=changes&keep_days=365")
    assert page.status_code == 200, page.text
    found = preview_of(page.text)
    assert len(found) == 3
    acme, borealis = (
        next(line for name, line in found.items() if name.lower() == each) for each in ("acme", "borealis")
    )
    assert "365 days 3 rows" in acme
    assert "a longer period of its own 1,500 days Nothing" in borealis
    assert "365 days Nothing" in found["Your own account"]
    async with busy.acme.db.transaction(busy.msp.scope) as session:
        assert await session.scalar(text("SELECT count(*) FROM retention_default")) == 0
    saved = await busy["staff"].post(SAVE, {"data_class": "changes", "keep_days": "365"}, page=PAGE)
    assert saved.status_code == 303
    plan = (await busy["admin"].get("/api/v1/clients/acme/retention")).json()
    changes = next(one for one in plan["classes"] if one["name"] == "changes")
    assert (changes["keep_days"], changes["due"]) == (365, 3)


async def test_a_hold_excludes_its_data_from_the_preview_and_is_listed(busy: GovernanceWebApp) -> None:
    await age(busy.acme, 500, 2)
    form = {"data_class": "changes", "record_key": "", "reason": "Case <b>17</b>"}
    client = "/clients/acme/retention"
    assert (await busy["admin"].post(f"{client}/holds", form, page=client)).status_code == 303
    page = (await busy["staff"].get(f"{PAGE}?data_class=changes&keep_days=365")).text
    held = next(line for name, line in preview_of(page).items() if name.lower() == "acme")
    assert "On hold" in held
    assert "1 client" in defaults_of(page)["Changes and deliveries"]
    holds = lines_of(page, "Active legal holds")
    assert len(holds) == 1
    assert "Case &lt;b&gt;17&lt;/b&gt;" in page
    found = await busy.acme.count("SELECT count(*) FROM legal_hold WHERE tenant_id = :t AND released_at IS NULL")
    assert found == 1


@pytest.mark.parametrize(
    ("days", "expected"),
    [("89", "at least 90 days"), ("36526", "at most 36,525"), ("never", "whole number"), ("²", "whole number"),
     ("-1", "whole number"), ("1e3", "whole number"), ("٩٠٠", "whole number"), ("9" * 30, "whole number")],
)  # fmt: skip
async def test_impossible_days_are_reported_and_redisplayed(busy: GovernanceWebApp, days: str, expected: str) -> None:
    for answer in (
        await busy["staff"].get(f"{PAGE}?data_class=changes&keep_days={days}"),
        await busy["staff"].post(SAVE, {"data_class": "changes", "keep_days": days}, page=PAGE),
    ):
        assert answer.status_code == 422
        assert expected in answer.text
        assert f'value="{days}"' in answer.text
        assert len(defaults_of(answer.text)) == len(ROOMS.retained)


async def test_an_empty_field_restores_the_products_default(busy: GovernanceWebApp) -> None:
    assert (await busy["staff"].post(SAVE, {"data_class": "changes", "keep_days": "900"}, page=PAGE)).status_code == 303
    page = (await busy["staff"].get(f"{PAGE}?data_class=changes&keep_days=")).text
    assert "Preview: 731 days" in page
    assert (await busy["staff"].post(SAVE, {"data_class": "changes", "keep_days": ""}, page=PAGE)).status_code == 303
    assert "product default" not in defaults_of((await busy["staff"].get(PAGE)).text)["Changes and deliveries"]


async def test_reading_and_changing_the_defaults_need_permissions(busy: GovernanceWebApp) -> None:
    own = {"admin": "acme", "viewer": "acme", "partner": "acme", "stranger": "borealis"}
    for who, client in own.items():
        assert (await busy[who].get(PAGE)).status_code in {403, 404}, who
        path = "channel" if who == "partner" else "changes"
        form = {"data_class": "changes", "keep_days": "900"}
        refused = await busy[who].post(SAVE, form, page=f"/clients/{client}/{path}")
        assert refused.status_code in {403, 404}, who
    operator = await busy["operator"].get(f"{PAGE}?data_class=changes&keep_days=900")
    assert operator.status_code == 200
    assert "Save 900 days" not in operator.text
    assert ">Change<" not in operator.text
    form = {"data_class": "changes", "keep_days": "900"}
    assert (await busy["operator"].post(SAVE, form, page=PAGE)).status_code == 403
    assert "Save 900 days" in (await busy["staff"].get(f"{PAGE}?data_class=changes&keep_days=900")).text


async def test_defaults_clients_and_holds_of_another_msp_are_not_shown(busy: GovernanceWebApp) -> None:
    alien = busy.alien
    async with alien.db.transaction(alien.scope.for_tenant(alien.scope.msp_id)) as session:
        await set_default(session, ROOMS.retained, "changes", 2_222, now=alien.now)
    await alien.add()
    page = (await busy["staff"].get(f"{PAGE}?data_class=changes&keep_days=365")).text
    assert "2,222" not in page
    assert len(preview_of(page)) == 3
    assert MOST_PREVIEWED >= 3
