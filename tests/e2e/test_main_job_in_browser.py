"""The main use case in real browsers: two brands, their clients and a partner."""

import re
import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import ViewportSize, expect
from sqlalchemy import text

from connectors.sandbox.faults import Faults
from controlplane.demo.installation import DemoInstallation
from controlplane.demo.plan import PASSWORD
from controlplane.provisioning import publish_contracts
from controlplane.services import Services
from foundation.clock import utc_now
from governance.propagation.distribute import start_clock
from tests.branding.browser import find_barriers, launch
from tests.e2e.walking import (
    BrowserUser,
    DemoWalk,
    addresses,
    ignore_responses,
    newcomer,
    open_demo,
    rate,
    running_env,
    sees_read_back,
    until,
)
from tests.support.page_paths import static_pages

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

HOMES = [("northbeam", "birch", "ana@birch.example", "$"), ("harborline", "cobalt", "eli@cobalt.example", "€")]
NORA, HUGO, BO, FINN = "nora@northbeam.example", "hugo@harborline.example", "bo@birch.example", "finn@fjord.example"
ALDER_APPROVER = "ivy@alder.example"
ONE = "[0-9a-f-]{36}"


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoInstallation]:
    with running_env() as started:
        yield started


@pytest.fixture(scope="module")
def walk(demo: DemoInstallation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoWalk]:
    with launch() as browser, open_demo(demo, browser, tmp_path_factory) as opened:
        yield opened


@pytest.mark.parametrize(("msp", "client", "approver", "sign"), HOMES)
class TestMainJob:
    def test_a_small_change_appears_without_reload_and_becomes_visible_on_both_channels(
        self, walk: DemoWalk, msp: str, client: str, approver: str, sign: str
    ) -> None:
        with walk.user(msp, approver) as user:
            user.arrives(f"{user.address}/clients/{client}/overview")
            expect(user.page.locator(".viewer")).to_contain_text("Client approver")
            user.shot(f"{msp}-overview-before")
            walk.change(client, "SKU-001", "price.list", 11_25)
            latest = user.page.locator("#flow tbody tr").filter(has_text="SKU-001").first
            user.sees(latest, f"{sign}11.25", "Automatic", "by 5% or less", "Visible on all 2")
            user.shot(f"{msp}-overview-after")
            assert walk.shopper_sees(client, "SKU-001", "11.25")

    def test_a_large_change_waits_for_a_person_and_is_shown_to_buyers_only_after_approval(
        self, walk: DemoWalk, msp: str, client: str, approver: str, sign: str
    ) -> None:
        with walk.user(msp, approver) as user:
            user.open(f"/clients/{client}/approvals?status=answered")
            expect(user.page.locator("tbody")).to_contain_text("You")
            user.page.get_by_role("link", name="Approvals").first.click()
            walk.change(client, "SKU-002", "price.list", 15_00)
            waiting = user.sees(user.row("SKU-002"), f"{sign}12.00", f"{sign}15.00", "by more than 5%")
            expect(user.page.locator(".tabs [aria-current]")).to_have_text(re.compile(r"Pending\s+[1-9]"))
            user.shot(f"{msp}-approvals")
            assert not walk.shopper_sees(client, "SKU-002", "15.00")
            waiting.get_by_role("link", name="SKU-002").click()
            preview = user.page.get_by_role("table", name="Preview by channel")
            expect(preview.locator("tbody tr")).to_have_count(2)
            for channel in preview.locator("tbody tr").all():
                user.sees(channel, f"{sign}12.00", f"{sign}15.00", "66.7%")
            user.shot(f"{msp}-approval")
            user.page.get_by_label("Reason").fill("The supplier raised it.")
            user.page.get_by_role("button", name="Approve").click()
            user.sees(user.page.locator("main"), "The supplier raised it.")
            user.page.get_by_role("link", name="Channel delivery").click()
            sees_read_back(user, f"{sign}15.00")
            user.shot(f"{msp}-change")
            assert walk.shopper_sees(client, "SKU-002", "15.00")
            shop = user.context.new_page()
            shop.goto(f"{walk.demo.sandbox}/{client}-shop/")
            expect(shop.locator("tr[data-sku='SKU-002'] [data-field=price]")).to_contain_text("15.00")
            shop.screenshot(path=walk.shots / f"{msp}-storefront.png")


class TestExceptions:
    def test_a_price_below_cost_is_refused_and_its_severity_is_explained(self, walk: DemoWalk) -> None:
        with walk.user("northbeam", "ana@birch.example") as user:
            walk.change("birch", "SKU-003", "price.list", 4_00)
            user.open("/clients/birch/exceptions")
            row = user.sees(user.row("SKU-003"), "SKU-003")
            user.shot("exceptions")
            row.get_by_role("link").first.click()
            parts = user.page.get_by_role("table", name="Parts of the severity")
            expect(parts).to_be_visible()
            points = [int(cell) for cell in parts.locator("td.num").all_inner_texts()]
            assert len(points) > 1
            user.sees(user.page.locator("main"), f"{min(sum(points), 100)} of 100", "below cost")
            user.shot("exception-below-cost")
        assert not walk.shopper_sees("birch", "SKU-003", "4.00")

    def test_a_malformed_message_is_quarantined_and_a_person_replays_or_discards_it(self, walk: DemoWalk) -> None:
        with walk.user("northbeam", NORA) as user:
            quarantined = "/clients/birch/exceptions?code=source.quarantined"
            links = user.page.locator("tbody .lead a")
            user.open(quarantined)
            others = addresses(links)
            assert walk.send_hook("birch", b'{"type": "price.changed", "skuu": "SKU-004"}') == 202
            newcomer(user, links, others).click()
            user.arrives(f"/exceptions/{ONE}")
            user.sees(user.page.locator("main"), "ERP")
            user.shot("exception-quarantined")
            place = user.page.url
            user.page.get_by_role("link", name="Original message").click()
            user.sees(user.page.locator("pre"), '"skuu": "SKU-004"')
            user.shot("original-message")
            user.page.goto(place)
            user.page.get_by_role("button", name="Replay").click()
            user.sees(user.page.locator("main"), "Resolved", "Nora Lind")
            # The bytes are unchanged: reading them again fails again, and is reported again.
            user.open(quarantined)
            newcomer(user, links, others).click()
            user.page.get_by_role("button", name="Discard").first.click()
            user.page.get_by_role("dialog").get_by_role("button", name="Discard").click()
            user.sees(user.page.locator("main"), "Discarded", "Nora Lind")
            user.shot("exception-discarded")

    def test_a_value_accepted_and_dropped_is_not_shown_as_visible(self, walk: DemoWalk) -> None:
        client = walk.client("alder")

        async def allow_an_hour(services: Services) -> None:
            await publish_contracts(services, client.scope, client.erp, propagation_slo=timedelta(hours=1))

        async def let_it_pass(services: Services) -> None:
            async with services.db.transaction(client.scope) as session:
                await session.execute(text("UPDATE propagation SET slo_due_at = now() WHERE state <> 'verified'"))
                await start_clock(session, utc_now())

        walk.run_with_services(allow_an_hour)
        walk.break_("alder", "shop", Faults(discard=1.0))
        with walk.user("northbeam", ALDER_APPROVER) as user:
            walk.change("alder", "SKU-005", "price.list", 15_30)
            row = user.page.locator("#flow tbody tr").filter(has_text="SKU-005").first
            user.sees(row, "Web shop: accepted, not visible yet", "Kestrel Supply: visible")
            user.shot("accepted-not-visible")
            walk.run_with_services(let_it_pass)
            user.sees(row, "Web shop: late: accepted, not visible")
            user.open("/clients/alder/exceptions")
            user.sees(user.row("SKU-005"), "Web shop")
            user.shot("exception-late")
            walk.mend("alder", "shop")
            user.row("SKU-005").get_by_role("link").first.click()
            with user.page.expect_response(re.compile(r"/replay$")):
                user.page.get_by_role("button", name="Replay").click()
            user.arrives(f"/exceptions/{ONE}")
            user.open("/clients/alder/overview")
            user.sees(row, "Visible on all 2")
            user.open("/clients/alder/exceptions?status=resolved")
            until(user, lambda: user.row("SKU-005").is_visible())
            user.sees(user.row("SKU-005"), "Web shop")
            user.shot("exception-corrected")
        assert walk.shopper_sees("alder", "SKU-005", "15.30")


class TestRollback:
    def test_a_change_is_rolled_back_from_its_page_and_buyers_see_the_old_price(self, walk: DemoWalk) -> None:
        with walk.user("northbeam", BO) as user:
            walk.change("birch", "SKU-006", "price.list", 16_50)
            row = user.page.locator("#flow tbody tr").filter(has_text="SKU-006").filter(has_text="$16.50").first
            user.sees(row, "Visible on all 2")
            row.get_by_role("link").first.click()
            user.page.get_by_role("button", name="Roll back everywhere").click()
            user.shot("rollback-question")
            user.page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
            sees_read_back(user, "$16.00")
            user.shot("rolled-back")
        assert walk.shopper_sees("birch", "SKU-006", "16.00")


class TestMoney:
    def test_the_draft_invoice_links_to_events_and_only_the_msp_sees_both_sides(self, walk: DemoWalk) -> None:
        walk.run_with_services(lambda services: rate(walk, services))
        with walk.user("northbeam", BO) as user:
            user.open("/clients/birch/invoices")
            until(user, lambda: user.page.locator("tbody tr").count() > 0)
            user.sees(user.row("Birch"), "$")
            user.shot("client-invoices")
            user.page.locator("tbody tr a").first.click()
            main = user.sees(user.page.locator("main"), "Lines", "Verified updates")
            expect(main).not_to_contain_text("Margin")
            expect(main).not_to_contain_text("holesale")
            user.shot("client-invoice")
            user.page.get_by_role("link", name="Verified updates").click()
            first = user.page.get_by_role("table", name="Usage events").locator("tbody tr").first
            expect(first).to_contain_text(re.compile(r"[0-9a-f]{8}-"))
            user.shot("client-invoice-line")
        with walk.user("northbeam", NORA) as user:
            user.open("/invoices")
            until(user, lambda: user.page.locator("tbody tr").filter(has_text="wholesale").count() > 0)
            user.shot("msp-invoices")
            user.row("Birch").get_by_role("link").click()
            user.sees(user.page.locator("main"), "Margin", "Wholesale", "Retail", "60.0%")
            user.shot("msp-invoice")


class TestMembers:
    def test_the_msps_administrator_sees_the_fleet(self, walk: DemoWalk) -> None:
        with walk.user("northbeam", NORA) as user:
            user.arrives("/fleet")
            expect(user.page.locator(".viewer")).to_contain_text("MSP admin")
            names = user.page.locator("#fleet tbody .lead a")
            expect(names).to_have_count(3)
            assert sorted(names.all_inner_texts()) == ["Alder Tools", "Birch & Sons", "Maple Living"]
            user.shot("fleet")
            user.page.get_by_role("link", name="Birch & Sons").click()
            expect(user.page.get_by_role("heading", level=1)).to_contain_text("Overview")
            user.page.locator("summary.account").click()
            user.page.get_by_role("link", name="All clients").click()
            expect(user.page.get_by_role("heading", level=1)).to_contain_text("Clients")

    def test_a_partner_sees_its_own_channel_and_nothing_else(self, walk: DemoWalk) -> None:
        with walk.user("northbeam", FINN) as user:
            user.arrives("/clients/birch/channel")
            user.sees(user.page.locator("main"), "Fjord Resellers")
            main = user.page.locator("main")
            for hidden in ("Web shop", "Margin", "Cost", "price-"):
                expect(main).not_to_contain_text(hidden)
            expect(user.page.locator(".nav a")).to_have_text(["Your channel"])
            user.shot("partner-channel")
            for page in ("overview", "changes", "approvals", "exceptions", "connections", "invoices", "audit"):
                assert user.open(f"/clients/birch/{page}") in (403, 404), page
            user.shot("partner-refused")
            ignore_responses(user, "403", "404")

    def test_another_msp_has_another_brand_and_finds_nothing_of_the_first(self, walk: DemoWalk) -> None:
        with walk.user("northbeam", NORA) as nora, walk.user("harborline", HUGO) as hugo:
            accents = []
            for user, name, other in (
                (nora, "Northbeam Commerce", "Harborline"),
                (hugo, "Harborline Partners", "Northbeam"),
            ):
                expect(user.page.locator(".sidebar .brand")).to_contain_text(name)
                expect(user.page).to_have_title(re.compile(name))
                assert other not in user.page.content()
                accents.append(
                    user.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accent')")
                )
            assert all(accents)
            assert accents[0] != accents[1]
            hugo.shot("harborline-fleet")
            expect(hugo.page.locator("#fleet tbody .lead a")).to_have_text(["Cobalt Outdoors"])
            for page in (
                "overview",
                "changes",
                "approvals",
                "exceptions",
                "connections",
                "invoices",
                "channel",
                "audit",
            ):
                assert hugo.open(f"/clients/birch/{page}") == 404
                assert "Birch" not in hugo.page.content()
                assert hugo.open(f"/clients/nobody-has-this/{page}") == 404
            hugo.open("/clients/birch/overview")
            expect(hugo.page.locator("main")).to_contain_text("Harborline Partners")
            hugo.shot("harborline-not-found")
            ignore_responses(hugo, "404")

    def test_a_password_of_one_brand_signs_in_on_no_other(self, walk: DemoWalk) -> None:
        with walk.user("harborline") as user:
            user.open("/sign-in")
            user.page.get_by_label("E-mail").fill(NORA)
            user.page.get_by_label("Password").fill(PASSWORD)
            user.page.get_by_role("button", name="Sign in").click()
            expect(user.page.locator("main")).to_contain_text("Sign in")
            expect(user.page.locator(".notice.is-bad")).to_be_visible()
            user.shot("sign-in-refused")
            ignore_responses(user, "401", "422", "403")

    @pytest.mark.parametrize(("width", "scheme", "script"), [(1280, "light", True), (390, "dark", False)])
    def test_an_invited_member_chooses_a_password(
        self, walk: DemoWalk, width: int, scheme: str, *, script: bool
    ) -> None:
        options: dict[str, Any] = {
            "viewport": {"width": width, "height": 844},
            "color_scheme": scheme,
            "java_script_enabled": script,
        }
        email, shown = f"mia-{width}@birch.example", f"{width}-{scheme}"
        with walk.user("northbeam", NORA, **options) as user:
            user.open("/clients/birch/members")
            user.page.get_by_role("link", name="Invite", exact=True).click()
            user.arrives("/members/invite")
            user.page.get_by_label("Name").fill("Mia Sand")
            user.page.get_by_label("E-mail").fill("ana@birch.example")
            user.page.get_by_label("Client approver").check()
            user.page.get_by_role("button", name="Create invitation").click()
            user.sees(user.page.get_by_role("alert"), "Ana", "is in this account already")
            look(user, f"{shown}-invite-known", width, script=script)
            user.page.get_by_label("E-mail").fill(email)
            user.page.get_by_role("button", name="Create invitation").click()
            link = user.sees(user.page.locator("#link"), "/welcome/").inner_text()
            look(user, f"{shown}-invited", width, script=script)
            if script:
                user.context.grant_permissions(["clipboard-read", "clipboard-write"])
                user.page.get_by_role("button", name="Copy the link").click()
                expect(user.page.get_by_role("button", name="Copied")).to_be_visible()
                assert user.page.evaluate("navigator.clipboard.readText()") == link
            user.page.get_by_role("link", name="Done").click()
            user.sees(user.row(email), "Pending", "Client approver", "Nora Lind")
            look(user, f"{shown}-invitations", width, script=script)
            ignore_responses(user, "409")
        with walk.user("northbeam", **options) as guest:
            guest.page.goto(link)
            guest.sees(guest.page.locator("main"), "Welcome, Mia Sand", "Nora Lind has invited you")
            look(guest, f"{shown}-welcome", width, script=script)
            guest.page.get_by_label("Password", exact=True).fill(PASSWORD)
            guest.page.get_by_label("Repeat the password").fill(PASSWORD)
            guest.page.get_by_role("button", name="Save and sign in").click()
            guest.arrives("/clients/birch/overview")
            guest.page.goto(link)
            guest.sees(guest.page.locator("main"), "no longer valid")
            look(guest, f"{shown}-link-used", width, script=script)
            ignore_responses(guest, "410")

    def test_signing_out_ends_it(self, walk: DemoWalk) -> None:
        with walk.user("northbeam", "ana@birch.example") as user:
            user.page.locator(".viewer summary").click()
            user.page.get_by_role("button", name="Sign out", exact=True).click()
            user.arrives("/sign-in.*")
            user.open("/clients/birch/overview")
            user.arrives("/sign-in.*")
            user.shot("signed-out")


CLIENT_PAGES = (
    "overview",
    "changes",
    "approvals",
    "approvals?status=answered",
    "exceptions",
    "connections",
    "invoices",
)
PLACES = [
    *((NORA, place) for place in ("/fleet", "/invoices", "/invoices/reconciliation")),
    *((NORA, f"/clients/birch/{page}") for page in (*CLIENT_PAGES, "dead-letters", "audit", "members", "baselines")),
    *((NORA, f"/clients/birch/members/{page}") for page in ("invitations", "invite")),
    *((NORA, f"/members{page}") for page in ("", "/invitations", "/invite")),
    *((FINN, f"/clients/birch/{page}") for page in ("channel", "channel/values")),
]
PHONE: ViewportSize = {"width": 390, "height": 844}
OPTIONS: dict[str, dict[str, Any]] = {
    "dark": {"color_scheme": "dark"}, "phone": {"viewport": PHONE}, "print": {},
}  # fmt: skip
WAYS = tuple(OPTIONS)
UNSEEN = {
    "/members/single-sign-on/try", "/clients/birch/members/single-sign-on/try", "/payment-account/connect",
    "/payment-account/returned", "/clients/birch/payment-methods/add", "/clients/birch/payment-methods/portal",
    "/three-way-check/difference", "/clients/birch/orders/order",
}  # fmt: skip
"""Pages that lead to another system, or need more than their address."""
DEEPER = ("changes", "approvals", "approvals?status=answered", "exceptions", "invoices", "members")


@pytest.fixture(scope="module")
def filled_demo(walk: DemoWalk) -> DemoWalk:
    """Fill each list of the client birch, whichever tests ran before."""
    assert walk.send_hook("birch", b'{"type": "price.changed"}') == 202
    walk.change("birch", "SKU-020", "price.list", 45_00)
    walk.run_with_services(lambda services: rate(walk, services))
    with walk.user("northbeam", NORA) as user:
        for page in DEEPER:
            user.open(f"/clients/birch/{page}")
            until(user, lambda: user.page.locator("main tbody .lead a").count() > 0)
    return walk


class TestEveryPage:
    @pytest.mark.parametrize("way", WAYS)
    def test_fits_and_keeps_nobody_out(self, filled_demo: DemoWalk, way: str) -> None:
        """Each page in one variant, always the same, and at a phone's width. New pages are included automatically."""
        places = [path for path in static_pages("birch") if WAYS[zlib.crc32(path.encode()) % len(WAYS)] == way]
        faults: list[str] = []
        for email in (NORA, BO, FINN):
            with filled_demo.user("northbeam", email, **OPTIONS[way]) as user:
                user.page.emulate_media(media="print" if way == "print" else "screen")
                places = [path for path in places if not is_seen(user, path, faults)]
                user.complaints.clear()
        assert set(places) <= UNSEEN, "who may open these pages?"
        assert faults == []

    @pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
    def test_pages_of_one_object_fit_and_break_no_policy(self, filled_demo: DemoWalk, width: int, scheme: str) -> None:
        options: dict[str, Any] = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}
        with filled_demo.user("northbeam", NORA, **options) as user:
            for page in DEEPER:
                user.open(f"/clients/birch/{page}")
                user.page.locator("main tbody .lead a").first.click()
                user.arrives(ONE)
                expect(user.page.locator("main nav.trail, main .trail").first).to_be_visible()
                look(user, f"{width}-{scheme}-one-of-{page}", width)
        with filled_demo.user("northbeam", **options) as user:
            for place in ("/sign-in", "/nothing-here"):
                user.open(place)
                look(user, f"{width}-{scheme}-{place}", width)
            ignore_responses(user, "404")

    def test_no_byte_of_it_names_the_product(self, walk: DemoWalk) -> None:
        with walk.user("northbeam", NORA) as user:
            answers = {place: walk.raw(user, place) for _, place in PLACES}
            assets = set(re.findall(r'(?:src|href)="(/[^"]+\.(?:css|js|svg))"', "".join(answers.values())))
            assert len(assets) >= 4
            answers |= {address: walk.raw(user, address) for address in assets}
            assert {text[:3] for text in answers.values()} == {"200"}
            missing = ("/nothing-here", "/clients/birch/nothing", "/api/v1/nothing", "/static/nothing.css")
            answers |= {address: walk.raw(user, address) for address in missing}
            assert [text[:3] for text in answers.values()][-4:] == ["404"] * 4
            assert [place for place, text in answers.items() if "fairlead" in text.lower()] == []

    def test_the_keyboard_reaches_the_content_and_shows_where_it_is(self, walk: DemoWalk) -> None:
        with walk.user("northbeam", "ana@birch.example") as user:
            user.open("/clients/birch/overview")
            user.page.keyboard.press("Tab")
            skip = user.page.get_by_role("link", name="Skip to content")
            expect(skip).to_be_focused()
            expect(skip).to_be_in_viewport()
            user.shot("skip-link")
            user.page.keyboard.press("Enter")
            expect(user.page.locator("#main")).to_be_focused()
            for _ in range(6):
                user.page.keyboard.press("Tab")
                assert user.page.evaluate(
                    "(() => { const s = getComputedStyle(document.activeElement);"
                    " return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2; })()"
                ), user.page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
            user.shot("focus")


def is_seen(user: BrowserUser, path: str, faults: list[str]) -> bool:
    """Whether the user may open the page; what is wrong with it is added to `faults`. An address that leads to another
    page, such as that of the sign-in, is seen there.
    """
    if user.open(path) != 200:
        return False
    if user.page.url != user.address + path:
        return True
    faults += [f"{path}: {fault}" for fault in find_barriers(user.page)]
    if "fairlead" in user.page.content().lower():
        faults.append(f"{path}: names the product")
    wide = user.page.viewport_size
    user.page.set_viewport_size(PHONE)
    if (width := user.page.evaluate("document.documentElement.scrollWidth")) != PHONE["width"]:
        faults.append(f"{path}: {width} wide on a phone")
    user.page.set_viewport_size(wide or PHONE)
    return True


def look(user: BrowserUser, name: str, width: int, *, script: bool = True) -> None:
    """Without `script` accessibility is not checked, because the checker is a script with timers."""
    user.shot("every/" + re.sub(r"[^a-z0-9]+", "-", name))
    assert user.page.evaluate("document.documentElement.scrollWidth") == width, user.page.url
    assert "fairlead" not in user.page.content().lower(), user.page.url
    assert not script or find_barriers(user.page) == [], user.page.url
