"""Names of products on a partner's pages: only those of records on its own channels."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from governance.records.titles import fold_text
from tests.governance.pages.web_app import GovernanceWebApp

PAGE = "/clients/acme/channel"
NAMES = {"SKU-1": "Oak chair", "SKU-2": "Pine table", "SKU-3": "Secret lamp"}


@pytest.fixture
async def named(busy: GovernanceWebApp) -> GovernanceWebApp:
    """SKU-1 is on the partner's channel, SKU-2 is being sent there, SKU-3 is on another channel only."""
    acme = busy.acme
    await acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified", "Harbour market": "verified"}, at=5)
    await acme.change("SKU-2", None, 700, states={"Harbour market": "pending"}, at=4)
    await acme.change("SKU-3", 1000, 1040, states={"Web shop": "verified"}, at=3)
    async with acme.db.transaction(acme.scope) as session:
        for key, title in NAMES.items():
            await session.execute(
                text("INSERT INTO record_title VALUES (:t, :m, :key, :title, :search)"),
                {
                    "t": acme.scope.tenant_id, "m": acme.scope.msp_id, "key": key, "title": title,
                    "search": fold_text(title),
                },
            )  # fmt: skip
    return busy


async def test_a_partner_sees_names_of_its_own_records_only(named: GovernanceWebApp) -> None:
    changes = (await named["partner"].get(PAGE)).text
    values = (await named["partner"].get(f"{PAGE}/values")).text
    assert [name in changes for name in NAMES.values()] == [True, True, False]
    assert [name in values for name in NAMES.values()] == [True, False, False]


async def test_the_database_shows_a_partner_no_other_names(named: GovernanceWebApp) -> None:
    acme = named.acme
    query = text("SELECT record_key FROM record_title ORDER BY 1")
    for partner, seen in ((named.partner_id, ["SKU-1", "SKU-2"]), (acme.source, [])):
        async with acme.db.transaction(replace(acme.scope, partner_id=partner)) as session:
            assert list(await session.scalars(query)) == seen


async def test_a_first_value_is_called_new(named: GovernanceWebApp) -> None:
    page = " ".join((await named["partner"].get(PAGE)).text.split())
    assert "New:</span><ins>€7.00" in page
    assert "not known" not in page
