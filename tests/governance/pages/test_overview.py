"""The dashboard's figures; an accepted value is never shown as visible."""

import re

from tests.governance.pages.web_app import GovernanceWebApp

PATHS = ("", "/figures", "/flow", "/charts")


async def test_a_new_client_sees_the_next_steps(web_app: GovernanceWebApp) -> None:
    page = await web_app["viewer"].get("/clients/acme/overview")
    assert page.status_code == 200, page.text
    assert "Nothing has changed yet" in page.text
    assert "No channels yet" in page.text
    assert "none pending" in page.text
    assert ">As of <time" in (await web_app["viewer"].get("/clients/acme/overview/figures")).text


async def test_figures_count_values_visible_on_every_channel(busy: GovernanceWebApp) -> None:
    acme = busy.acme
    for number in range(3):
        await acme.change(
            f"SKU-{number}", 1000, 1040, states={"Web shop": "verified", "Harbour market": "verified"}, at=100 + number
        )
    await acme.change("SKU-9", 1000, 1045, states={"Web shop": "verified", "Harbour market": "accepted"}, at=5)
    await acme.awaiting("SKU-8", 1000, 2000)
    await acme.exception("change.refused", "Policy refuses a new price", exposure=200_000)
    await acme.exception("source.quarantined", "A message could not be read")
    page = (await busy["viewer"].get("/clients/acme/overview")).text
    figures = dict(
        re.findall(r'tile-label">.*?</svg>([^<]+)</span>\s*<span class="tile-value num">([^<]+)<', page, re.DOTALL)
    )
    assert figures["Changes, 24 h"] == "5"
    assert figures["Visible"] == "75%"
    assert figures["Time to publish"] == "1.5\N{NO-BREAK SPACE}s"
    assert figures["Open exceptions"] == "2"
    assert figures["Approvals"] == "1"
    assert "1 high, 1 low" in page or "1 critical, 1 low" in page


async def test_accepted_is_shown_as_not_visible_and_late_as_late(busy: GovernanceWebApp) -> None:
    await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified", "Harbour market": "accepted"}, at=5)
    flow = (await busy["viewer"].get("/clients/acme/overview/flow")).text
    assert "Web shop: visible after" in flow
    assert "Harbour market: accepted, not visible yet" in flow
    assert "late" not in flow.lower().replace("latest", "")
    late = await busy.acme.change("SKU-2", 1000, 1040, states={"Harbour market": "accepted"}, at=90)
    await busy.acme.exception(
        "propagation.slo_breached", "Late", channels=1, record="SKU-2", channel="Harbour market", change=late
    )
    flow = (await busy["viewer"].get("/clients/acme/overview/flow")).text
    assert "Harbour market: late: accepted, not visible" in flow
    row = re.search(r"<tr>(?:(?!</tr>).)*Harbour market(?:(?!</tr>).)*List price.*?</tr>", flow, re.DOTALL)
    assert row is not None
    assert "1 late" in row[0]


async def test_parts_refresh_themselves_and_each_answers_alone(busy: GovernanceWebApp) -> None:
    page = (await busy["viewer"].get("/clients/acme/overview")).text
    for path in re.findall(r'hx-get="([^"]+/overview/[^"]+)"', page):
        part = await busy["viewer"].get(path.replace("&amp;", "&"))
        assert part.status_code == 200
        assert "<html" not in part.text
        assert f'hx-get="{path}"' in part.text


async def test_changes_of_other_clients_are_not_shown(busy: GovernanceWebApp) -> None:
    for sample, record in ((busy.borealis, "BOREALIS-1"), (busy.alien, "ALIEN-1")):
        await sample.change(record, 1000, 1040, states={"Far market": "verified"})
        await sample.exception("change.refused", f"Refused {record}")
    for path in PATHS:
        shown = (await busy["viewer"].get(f"/clients/acme/overview{path}")).text
        assert "BOREALIS-1" not in shown
        assert "ALIEN-1" not in shown
        assert "Far market" not in shown
    for path in PATHS:
        assert (await busy["viewer"].get(f"/clients/borealis/overview{path}")).status_code == 404
    staff = await busy["staff"].get("/clients/borealis/overview")
    assert "BOREALIS-1" in staff.text
    assert "ALIEN-1" not in (await busy["staff"].get("/clients/acme/overview")).text


async def test_a_partner_has_no_dashboard(busy: GovernanceWebApp) -> None:
    assert (await busy["partner"].get("/clients/acme/overview")).status_code == 403


async def test_the_charts_span_is_one_of_those_offered(busy: GovernanceWebApp) -> None:
    await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified"})
    refused = await busy["viewer"].get("/clients/acme/overview/charts?span=nonsense")
    assert (refused.status_code, refused.json()["allowed"]) == (400, ["1h", "6h", "24h"])
    for query, shown in (("?span=24h", "24h"), ("", "1h")):
        part = (await busy["viewer"].get(f"/clients/acme/overview/charts{query}")).text
        assert f"charts?span={shown}" in part
        assert "Changes by decision" in part


async def test_charts_lead_to_their_changes_and_mark_targets_and_pauses(busy: GovernanceWebApp) -> None:
    acme = busy.acme
    await acme.change("SKU-NOW", 1000, 1040, states={"Web shop": "verified"}, at=100)
    await acme.change("SKU-OLD", 1000, 1040, states={"Web shop": "verified"}, at=40_000)
    await acme.pause("Web shop")
    await busy.borealis.pause("Far market")
    part = (await busy["viewer"].get("/clients/acme/overview/charts?span=24h")).text
    changes, times, decisions = part.split("<figure ")[1:]
    assert "Target" not in changes
    assert "Target: 30" in times or "is-dashed" in times, "the contracts' time to publish"
    assert re.search(r"Target: 24.hrs?|is-dashed", decisions), "the contracts' time to decide"
    for chart in (changes, times):
        assert "Paused: Web shop" in chart
        assert 'class="pause"' in chart
    assert "Far market" not in part
    links = [link.replace("&amp;", "&") for link in re.findall(r'<th scope="row"><a href="([^"]+)"', changes)]
    assert len(links) == 24
    shown = [(await busy["viewer"].get(link)).text for link in links[-2:]]
    assert "SKU-NOW" in "".join(shown)
    assert "SKU-OLD" not in "".join(shown)


async def test_an_ended_pause_is_marked_from_its_exception(busy: GovernanceWebApp) -> None:
    acme = busy.acme
    await acme.exception(
        "connection.paused", "Paused", at=3000, state="resolved", connection=acme.channels["Web shop"],
        subject=str(acme.channels["Web shop"]),
    )  # fmt: skip
    part = (await busy["viewer"].get("/clients/acme/overview/charts?span=1h")).text
    assert "Paused: Web shop" in part
