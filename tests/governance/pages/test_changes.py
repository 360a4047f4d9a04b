"""Changes: the list and its filters, one change's timeline, its original message, and its rollback."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.values import Value
from governance.changes.queries import ChangeFilter
from governance.elements.publish_contract import publish_contract
from governance.job_types import PUSH
from governance.labels import LEVELS, level_of, write_difference, write_share
from tests.governance.pages.samples import JOBS
from tests.governance.pages.web_app import GovernanceWebApp, token_of
from tests.support.values import minor, pieces
from tests.tenants.conftest import NOW

LIST = "/clients/acme/changes"
DAY = timedelta(days=1)


async def test_a_client_without_changes_sees_an_empty_state(web_app: GovernanceWebApp) -> None:
    page = await web_app["viewer"].get(LIST)
    assert page.status_code == 200, page.text
    assert "Nothing has changed yet" in page.text
    assert "No changes match" in (await web_app["viewer"].get(f"{LIST}?search=SKU-1")).text


async def test_the_list_is_filtered(busy: GovernanceWebApp) -> None:
    await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified"})
    await busy.acme.change("SKU-10", 5, 7, element="stock.on_hand", states={"Web shop": "verified"})
    await busy.acme.awaiting("OTHER-1", 1000, 2000)
    await busy.borealis.change("SKU-1", 1000, 7777)
    for query, shown in (
        ("", {"SKU-1", "SKU-10", "OTHER-1"}),
        ("?search=SKU-1", {"SKU-1", "SKU-10"}),
        ("?key=SKU-1", {"SKU-1"}),
        ("?key=sku-1", set[str]()),
        ("?search=ku-1", {"SKU-1", "SKU-10"}),
        ("?search=_", set[str]()),
        ("?search=SKU-1*", {"SKU-1", "SKU-10"}),
        ("?search=sku-1", {"SKU-1", "SKU-10"}),
        ("?search=%25", set[str]()),
        ("?status=awaiting_approval", {"OTHER-1"}),
        ("?element=stock.on_hand", {"SKU-10"}),
        ("?search=SKU*&element=price.list&status=released", {"SKU-1"}),
    ):
        page = (await busy["viewer"].get(f"{LIST}{query}")).text
        assert set(re.findall(r'id="c-[^>]+>([^<]+)<', page)) == shown, query
        assert "77.77" not in page


async def test_the_elements_that_have_a_contract_can_be_chosen(busy: GovernanceWebApp) -> None:
    assert 'value="price.sale"' not in (await busy["viewer"].get(LIST)).text
    async with busy.acme.db.transaction(busy.acme.scope) as session:
        await publish_contract(
            session, element="price.sale", source_connection_id=None, owner="Marketing", propagation_slo=DAY,
            correction_slo=DAY, now=NOW,
        )  # fmt: skip
    form = (await busy["viewer"].get(LIST)).text
    assert re.search(r'<option value="price\.sale"[^>]*>Sale price<', form)
    assert 'value="price.cost"' not in form


async def test_an_order_is_shown_with_its_lines_and_its_total(busy: GovernanceWebApp) -> None:
    number = await busy.acme.order("SO-1001")
    page = re.sub(r"<[^>]+>|\s", " ", (await busy["viewer"].get(f"{LIST}/{number}")).text)
    lines = page[page.index("Lines of the order") :]
    order = ("SKU-1", "2", "€19.99", "€39.98", "SKU-2", "1", "€12.50", "€12.50", "Shipping", "€4.90")
    for shown in (*order, "Total", "€57.38"):
        assert shown in lines, shown
        lines = lines[lines.index(shown) + len(shown) :]
    assert "Lines of the order" not in (await busy["viewer"].get(f"{LIST}/{await busy.acme.change('S', 1, 2)}")).text


async def test_a_cost_is_found_with_the_changes_of_its_record(busy: GovernanceWebApp) -> None:
    await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified"})
    await busy.acme.cost("SKU-1", 612)
    await busy.borealis.cost("SKU-1", 777)
    page = (await busy["admin"].get(f"{LIST}?search=SKU-1")).text
    assert "Cost: €6.12" in page
    assert "7.77" not in page
    assert 'href="/clients/acme/audit?subject=record:SKU-1"' in page
    assert "audit?subject" not in (await busy["viewer"].get(f"{LIST}?search=SKU-1")).text
    for query in ("", "?search=SKU-1*", "?search=SKU-10"):
        assert "Cost: " not in (await busy["admin"].get(f"{LIST}{query}")).text


async def test_pages_lead_through_all_changes_once(busy: GovernanceWebApp) -> None:
    for number in range(60):
        await busy.acme.change(f"SKU-{number:02}", 1000, 1040, at=100 + number, is_current=False)
    seen: list[str] = []
    path = f"{LIST}?search=SKU*"
    while path:
        page = (await busy["viewer"].get(path)).text
        seen += re.findall(r'id="c-[^>]+>([^<]+)<', page)
        following = re.search(rf'href="({LIST}\?[^"]*cursor=[^"]+)"\s+rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"SKU-{number:02}" for number in range(60)]


async def test_a_changes_timeline_is_newest_first(busy: GovernanceWebApp) -> None:
    event = await busy.acme.event(b'{"sku": "SKU-1"}')
    change = await busy.acme.change(
        "SKU-1", 1000, 1040, states={"Web shop": "verified", "Harbour market": "accepted"}, at=90, event=event
    )
    await busy.acme.exception(
        "propagation.slo_breached", "Too late", record="SKU-1", channel="Harbour market", change=change
    )
    page = await busy["operator"].get(f"{LIST}/{change}")
    assert page.status_code == 200, page.text
    story = re.findall(r'moment-title">([^<]+)<', page.text)
    assert story == [
        "Late",
        "Visible on Web shop",
        "Accepted by Harbour market",
        "Accepted by Web shop",
        "Passed policy",
        "Committed at the source",
    ]
    for shown in ("Late: accepted, not visible", "+4.0%", "price-small-change", "Too late", "Central ERP", "corr-1"):
        assert shown in page.text
    assert f"/clients/acme/events/{event}" in page.text
    assert f"/clients/acme/events/{event}" not in (await busy["viewer"].get(f"{LIST}/{change}")).text


async def test_running_changes_refresh_themselves_and_finished_ones_do_not(busy: GovernanceWebApp) -> None:
    moving = await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "accepted"}, at=5)
    resting = await busy.acme.change("SKU-2", 1000, 1040, states={"Web shop": "verified"}, at=5)
    assert f'hx-get="{LIST}/{moving}/progress"' in (await busy["viewer"].get(f"{LIST}/{moving}")).text
    assert "hx-get" not in (await busy["viewer"].get(f"{LIST}/{resting}")).text.split('id="progress"')[1]
    part = (await busy["viewer"].get(f"{LIST}/{moving}/progress")).text
    assert "<html" not in part
    assert "Accepted, not visible yet" in part


async def test_the_original_message_is_shown_as_text(busy: GovernanceWebApp) -> None:
    event = await busy.acme.event(b'{"note": "<script>alert(1)</script>", "bytes": "\xff\x00"}')
    page = await busy["operator"].get(f"/clients/acme/events/{event}")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<script>alert" not in page.text
    assert r"\xff\x00" in page.text
    long = await busy.acme.event(b"x" * 70_000)
    assert "The message has 70,000 bytes" in (await busy["operator"].get(f"/clients/acme/events/{long}")).text
    assert (await busy["admin"].get(f"/clients/acme/events/{event}")).status_code == 403
    theirs = await busy.borealis.event(b"theirs")
    assert (await busy["operator"].get(f"/clients/acme/events/{theirs}")).status_code == 404


async def test_rolling_back_everywhere_makes_a_change_of_its_own(busy: GovernanceWebApp) -> None:
    states = {"Web shop": "verified", "Harbour market": "verified"}
    change = await busy.acme.change("SKU-1", 1000, 1040, states=states)
    path = f"{LIST}/{change}"
    assert "Roll back everywhere" in (await busy["admin"].get(path)).text
    answer = await busy["admin"].post(f"{path}/rollback", page=path)
    assert answer.status_code == 303, answer.text
    back = (await busy["admin"].get(answer.headers["location"])).text
    for shown in ("Rolled back", "Admin", "10.40", "10.00", "Web shop", "Harbour market", "Publishing"):
        assert shown in back
    assert await busy.acme.count(JOBS, kind=PUSH.name) == 2
    again = await busy["admin"].post(f"{path}/rollback", page=path)
    assert again.status_code == 409
    assert "A newer change of the same value is in effect" in again.text


async def test_rolling_back_on_one_channel_leaves_the_other(busy: GovernanceWebApp) -> None:
    states = {"Web shop": "verified", "Harbour market": "verified"}
    change = await busy.acme.change("SKU-1", 1000, 1040, states=states)
    path = f"{LIST}/{change}"
    form = {"connection": str(busy.acme.channels["Web shop"])}
    answer = await busy["operator"].post(f"{path}/rollback", form, page=path)
    assert answer.status_code == 303, answer.text
    sent = await busy.acme.count("SELECT count(*) FROM propagation WHERE tenant_id = :t AND state = 'pending'")
    assert sent == 1
    strange = {"connection": str(busy.borealis.channels["Web shop"])}
    newest = answer.headers["location"]
    assert (await busy["operator"].post(f"{newest}/rollback", strange, page=newest)).status_code == 404
    malformed = await busy["operator"].post(f"{newest}/rollback", {"connection": "x"}, page=newest)
    assert malformed.status_code == 400


async def test_members_without_the_right_are_not_offered_a_rollback(busy: GovernanceWebApp) -> None:
    change = await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified"})
    path = f"{LIST}/{change}"
    assert "Roll back" not in (await busy["approver"].get(path)).text
    assert (await busy["approver"].post(f"{path}/rollback", page=path)).status_code == 403


async def test_a_form_without_its_token_is_refused(busy: GovernanceWebApp) -> None:
    change = await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified"})
    path = f"{LIST}/{change}"
    page = await busy["admin"].get(path)
    forms = re.findall(r"<form[^>]*method=\"post\".*?</form>", page.text, re.DOTALL)
    assert len(forms) >= 3
    assert all("_csrf_token" in form for form in forms)
    for wrong in ("", "none", token_of(await busy["operator"].get(path))):
        assert (await busy["admin"].post(f"{path}/rollback", page=path, token=wrong)).status_code == 403
    assert await busy.acme.count("SELECT count(*) FROM change WHERE tenant_id = :t") == 1


async def test_ids_of_others_are_not_found(busy: GovernanceWebApp) -> None:
    theirs = await busy.borealis.change("SKU-1", 1000, 1040, states={"Web shop": "verified"})
    for reader in ("admin", "staff"):
        for path in (f"{LIST}/{theirs}", f"{LIST}/{theirs}/progress"):
            assert (await busy[reader].get(path)).status_code == 404
        assert (await busy[reader].post(f"{LIST}/{theirs}/rollback", page=LIST)).status_code == 404
    assert (await busy["partner"].get(LIST)).status_code == 403
    assert (await busy["stranger"].get(LIST)).status_code == 404


async def test_no_page_names_the_product(busy: GovernanceWebApp) -> None:
    change = await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "accepted"})
    exception = await busy.acme.exception("propagation.slo_breached", "Late", change=change, channel="Web shop")
    await busy.acme.letter("no")
    root = "/clients/acme"
    for path in (
        f"{root}/overview", LIST, f"{LIST}/{change}", f"{root}/approvals", f"{root}/exceptions",
        f"{root}/exceptions/{exception}", f"{root}/dead-letters", f"{root}/connections", f"{root}/audit",
        f"{root}/channel", f"{root}/channel/values", "/fleet",
    ):  # fmt: skip
        page = await busy["staff"].get(path)
        assert page.status_code == 200, path
        assert "fairlead" not in page.text.lower()
        assert "style=" not in page.text
        assert page.headers["cache-control"] == "no-store"


@given(st.text(min_size=1), st.text())
def test_a_prefix_finds_matching_records(key: str, rest: str) -> None:
    found = ChangeFilter(record=f"{key}*").beginning
    assert found is not None
    low, high = found
    assert low <= key
    assert low <= key + rest
    assert rest.startswith("\U0010ffff") or key + rest < high
    assert (ChangeFilter(record=key).beginning is None) == (not key.endswith("*"))


@given(st.integers(0, 100))
def test_every_severity_has_one_level(severity: int) -> None:
    name = level_of(severity)
    least = dict(LEVELS)[name]
    worse = [other for _, other in LEVELS if other > least]
    assert severity >= least
    assert all(severity < other for other in worse)


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_a_share_is_whole_only_when_nothing_is_missing(part: int, more: int) -> None:
    assert write_share(part, part + more) != "100%"
    assert part == 0 or write_share(part, part) == "100%"


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (minor(1000, "EUR"), minor(1040, "EUR"), "+4.0%"),
        (minor(1000, "EUR"), minor(960, "EUR"), "−4.0%"),
        (minor(3000, "EUR"), minor(3001, "EUR"), "+0.03%"),
        (minor(1000, "EUR"), minor(1040, "USD"), ""),
        (pieces(0), pieces(5), ""),
        (None, pieces(5), ""),
    ],
)
def test_a_difference_is_shown_for_comparable_values_only(old: Value | None, new: Value, shown: str) -> None:
    assert write_difference(old, new) == shown


async def test_a_filter_that_is_too_long_is_an_error_of_the_form_and_stays_in_it(busy: GovernanceWebApp) -> None:
    await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified"})
    typed = "ä" * 2_001
    for path, status in ((f"{LIST}?search={typed}&status=released", 422), (f"{LIST}?search={typed[1:]}", 200)):
        answer = await busy["viewer"].get(path)
        assert answer.status_code == status
        assert f'value="{typed[: len(typed) - (status == 200)]}"' in answer.text
        assert ("2,001 characters" in answer.text) == ('aria-invalid="true"' in answer.text) == (status == 422)
        assert 'role="search"' in answer.text
        assert "SKU-1" not in answer.text
    for name in (
        "element",
        "key",
    ):  # a choice such as the state is refused earlier: tests/controlplane/test_list_filters
        assert 'role="search"' in (await busy["viewer"].get(f"{LIST}?{name}={typed}")).text
