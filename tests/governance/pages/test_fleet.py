"""The fleet: every client of the MSP, worst first, and none of another's."""

import re

from tests.governance.pages.site import Site


async def test_the_worst_client_comes_first(busy: Site) -> None:
    await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified", "Harbour market": "pending"}, at=5)
    await busy.acme.awaiting("SKU-2", 1000, 2000)
    await busy.borealis.exception("change.refused", "Refused", exposure=200_000)
    await busy.borealis.change("SKU-3", 1000, 1040, states={"Web shop": "accepted"}, at=3600)
    await busy.borealis.letter("no")
    await busy.alien.exception("propagation.late", "Late", exposure=200_000, channels=3)
    for path in ("/fleet", "/fleet/rows"):
        page = await busy["operator"].get(path)
        assert page.status_code == 200, page.text
        rows = re.findall(r'<tr>\s*<td class="lead">.*?</tr>', page.text, re.DOTALL)
        assert [("Borealis" in row, "Acme" in row) for row in rows] == [(True, False), (False, True)]
        assert "At risk" in rows[0]
        assert "1 given up<" in rows[0]
        assert "Needs a look" in rows[1]
        assert 'href="/clients/acme/approvals">1<' in rows[1]
        assert "0%" in rows[1]


async def test_clocks_that_ran_out_count_before_their_job_has_run_and_after(busy: Site) -> None:
    late = await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "accepted"}, at=3600)
    await busy.acme.exception("propagation.late", "Late", channels=1, channel="Web shop", change=late)
    rows = (await busy["operator"].get("/fleet/rows")).text
    assert re.search(r"Late values</span>\s*<span[^>]*>1<", rows)


async def test_only_the_msps_own_people_have_a_fleet(busy: Site) -> None:
    for name in ("admin", "stranger", "partner"):
        assert (await busy[name].get("/fleet")).status_code in (403, 404)
