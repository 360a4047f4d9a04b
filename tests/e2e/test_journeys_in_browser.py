"""Journeys of people in a real browser, without a terminal: onboarding, policy, brand, sign-in and payments."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, expect

from billing.invoices.advance import advance_invoices
from controlplane.demo.installation import DemoInstallation
from controlplane.demo.onboarding import NAME, SLUG
from controlplane.demo.plan import PASSWORD
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.branding.browser import find_barriers, launch
from tests.e2e.onboarding import ONE, Wizard, accept_invitation, invite, shown_on_the_start_page
from tests.e2e.outside import Outside, running_outside
from tests.e2e.walking import BrowserUser, DemoWalk, ignore_responses, open_demo, running_env, sees_read_back, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

NORA, BO, ANA = "nora@northbeam.example", "bo@birch.example", "ana@birch.example"
HUGO, ELI = "hugo@harborline.example", "eli@cobalt.example"
SIGNING = "whsec_northbeam7777"
PURPLE = "rgb(124, 45, 146)"


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with running_outside(tmp_path_factory.mktemp("outside")) as running:
        yield running


@pytest.fixture(scope="module")
def demo(outside: Outside) -> Iterator[DemoInstallation]:
    with running_env({**outside.environment, "FAIRLEAD_MAILBOX": "on"}) as started:
        yield started


@pytest.fixture(scope="module")
def walk(demo: DemoInstallation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoWalk]:
    with launch() as browser, open_demo(demo, browser, tmp_path_factory) as opened:
        yield opened


def menu(user: BrowserUser, label: str) -> None:
    """Open a page by the menu, as people do."""
    user.follows(user.page.locator(".nav").get_by_role("link", name=re.compile(f"^{label}")).first)


def checked(user: BrowserUser, name: str) -> Locator:
    """The page's content, after a picture and a check for barriers."""
    user.shot(name)
    assert find_barriers(user.page) == [], user.page.url
    assert "fairlead" not in user.page.content().lower(), user.page.url
    return user.page.locator("main")


class TestOnboarding:
    def test_a_newcomer_finishes_the_onboarding_in_the_browser(self, walk: DemoWalk) -> None:
        with walk.user("northbeam", NORA) as user:
            address, key = shown_on_the_start_page(user, walk.demo)
            user.open("/onboarding")
            user.sees(user.row(NAME), "Systems", "No channel that shows values is connected.", "none yet")
            user.page.get_by_role("link", name=NAME).click()
            user.arrives(f"/clients/{SLUG}/onboarding")
            wizard = Wizard(user, SLUG)
            wizard.connect("Sandbox shop", "Web shop", address, {"API key": key})
            wizard.back("Data ownership")
            wizard.assign_elements()
            wizard.back("Baseline")
            wizard.accept_baseline()
            wizard.back("Go-live")
            wizard.open_step("Go-live", "go_live")
            wizard.go_live()
            user.open("/onboarding?status=live")
            row = user.sees(user.row(NAME), "Live")
            expect(row.locator("td").last).not_to_contain_text("none yet")
        assert walk.shopper_sees(SLUG, "SKU-000", "41")

    def test_an_msp_brings_a_client_from_nothing_to_its_first_governed_sync(self, walk: DemoWalk) -> None:
        erp, shop = (walk.add_system(f"tern-{kind}", f"sandbox-{kind}") for kind in ("erp", "shop"))
        secret = "whsec_" + "dGhlIGNsaWVudCBjaG9vc2VzIGl0IGl0c2VsZg=="
        with walk.user("northbeam", NORA) as user:
            menu(user, "Onboarding")
            user.page.get_by_role("link", name="Add a client").click()
            user.arrives("/clients/new")
            _enter_client(user)
            user.arrives("/clients/tern/onboarding")
            checked(user, "onboarding-new-client")
            wizard = Wizard(user, "tern")
            wizard.connect("Sandbox ERP", "ERP", erp, {"Signing secret": secret, "API key": walk.demo.token})
            address = user.page.locator("#hook-address").inner_text()
            walk.point_webhook(erp, address, secret)
            wizard.back("Systems")
            wizard.connect("Sandbox shop", "Web shop", shop, {"API key": walk.demo.token})
            wizard.back("Data ownership")
            wizard.assign_elements()
            wizard.back("Baseline")
            wizard.accept_baseline()
            wizard.back("People and sign-in")
            link = invite(user, "Tess Tern", "tess@tern.example", "Client approver")
            accept_invitation(walk, "northbeam", link, "/clients/tern/overview")
            walk.change("tern", "SKU-001", "price.list", 11_25)
            wizard.back("Go-live")
            wizard.go_live()
            user.page.get_by_role("link", name="Open the overview").click()
            row = user.page.locator("#flow tbody tr").filter(has_text="SKU-001").first
            user.sees(row, "$11.25", "Automatic", "Visible on Web shop")
            row.get_by_role("link").first.click()
            sees_read_back(user, "$11.25", channels=1)
            checked(user, "onboarding-first-sync")
            ignore_responses(user, "409", "422")
        assert walk.shopper_sees("tern", "SKU-001", "11.25")


def _enter_client(user: BrowserUser) -> None:
    page = user.page
    page.get_by_label("Name", exact=True).fill("Tern Outdoor")
    page.get_by_label("Short name").fill("birch")
    page.get_by_label("Currency").fill("USD")
    page.get_by_label("Environment").select_option("Sandbox")
    page.get_by_label("Language").select_option("en")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_label("Country or region").fill("DE")
    page.get_by_role("button", name="Create client").click()
    user.sees(page.get_by_role("alert"), "short name")
    page.get_by_label("Short name").fill("tern")
    page.get_by_role("button", name="Create client").click()


class TestPolicy:
    def test_a_draft_is_replayed_published_by_another_and_decides_differently(self, walk: DemoWalk) -> None:
        with walk.user("northbeam", NORA) as user:
            user.open("/clients/birch/overview")
            walk.change("birch", "SKU-004", "price.list", 14_42)
            latest = user.page.locator("#flow tbody tr").filter(has_text="$14.42").first
            user.sees(latest, "Automatic", "Visible on all 2")
            menu(user, "Policy")
            user.row("by more than 5%").get_by_role("link", name="Edit").click()
            percent = user.page.get_by_label("Percent of the old value").first
            expect(percent).to_have_value("5")
            percent.fill("2")
            user.page.get_by_role("button", name="Save in the draft").click()
            user.arrives("/policy/draft")
            user.sees(checked(user, "policy-draft"), "What publishing changes", "more than 2%")
            expect(user.page.get_by_role("button", name="Publish")).to_have_count(0)
            user.page.get_by_role("button", name="Replay").click()
            user.page.get_by_role("link", name="Last 30 days").click()
            user.arrives(f"/policy/replays/{ONE}")
            moved = user.page.get_by_role("table", name="Changes by their decision now and then")
            user.sees(moved, "Passes", "Needs approval", "$0.42")
            user.sees(user.page.locator("#replay"), "SKU-004", "$14.00", "$14.42")
            checked(user, "policy-replay")
        with walk.user("northbeam", BO) as other:
            menu(other, "Policy")
            other.page.get_by_role("link", name="Open the draft").click()
            other.page.get_by_role("button", name="Publish", exact=True).click()
            other.page.get_by_role("dialog").get_by_role("button", name="Publish").click()
            other.sees(checked(other, "policy-published"), "Bo Birch")
            walk.change("birch", "SKU-005", "price.list", 15_45)
            menu(other, "Approvals")
            until(other, lambda: other.row("SKU-005").is_visible())
            other.sees(other.row("SKU-005"), "$15.00", "$15.45", "more than 2%")
        assert not walk.shopper_sees("birch", "SKU-005", "15.45")


class TestBrand:
    def test_a_brand_is_changed_with_a_preview_and_a_domain_is_verified(self, walk: DemoWalk, outside: Outside) -> None:
        with walk.user("harborline", HUGO) as user:
            menu(user, "Brands")
            user.page.get_by_role("link", name="Harborline Partners").click()
            user.arrives("/brands/harborline")
            save = user.page.get_by_role("button", name="Save", exact=True)
            user.page.get_by_label("Brand colour").first.fill("#7c2d92")
            approve = user.page.get_by_role("region", name="Light").locator(".button.is-primary")
            expect(approve).to_have_css("background-color", PURPLE)
            expect(save).not_to_have_css("background-color", PURPLE)
            checked(user, "brand-preview")
            save.click()
            user.sees(user.page.locator("#toasts"), "Brand saved")
            expect(save).to_have_css("background-color", PURPLE)
            host = "portal.harborline.localhost"
            user.page.get_by_label("Host name").fill(host)
            user.page.get_by_role("button", name="Add domain").click()
            claim = user.page.get_by_role("region", name=host)
            user.sees(claim, "Not checked yet")
            claim.get_by_role("button", name="Check now").click()
            user.sees(claim, "No such record yet")
            name, value = (claim.locator(f"#{part}-1").inner_text() for part in ("record", "value"))
            outside.dns.records[name] = [value]
            claim.get_by_role("button", name="Check now").click()
            expect(claim).to_have_count(0)
            user.sees(checked(user, "brand-domain").locator("#domains"), host)
            page = user.context.new_page()
            page.goto(user.address.replace("harborline.localhost", host) + "/sign-in")
            expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
            expect(page.locator(".brand")).to_contain_text("Harborline Partners")


class TestSignIn:
    def test_a_client_signs_in_by_its_own_identity_provider(self, walk: DemoWalk, outside: Outside) -> None:
        with walk.user("harborline", HUGO) as user:
            user.open("/clients/cobalt/members")
            user.page.get_by_role("link", name="Single sign-on").click()
            redirect = user.page.locator("#redirect-address").inner_text()
            client_id, secret = outside.oidc.register(redirect, user.address)
            user.page.get_by_label("Name", exact=True).fill("Cobalt ID")
            user.page.get_by_label("Issuer").fill(outside.oidc.issuer)
            user.page.get_by_label("Client ID").fill(client_id)
            user.page.get_by_label("Client secret").fill(secret)
            user.page.get_by_label("Use", exact=True).select_option("optional")
            user.page.get_by_role("button", name="Save", exact=True).click()
            user.sees(user.page.locator("#toasts"), "Saved")
            user.page.get_by_label("Domain", exact=True).fill("cobalt.example")
            user.page.get_by_role("button", name="Add domain").click()
            domain = user.page.get_by_role("region", name="cobalt.example")
            name, value = (domain.locator(f"#{part}-1").inner_text() for part in ("record", "value"))
            outside.dns.records[name] = [value]
            domain.get_by_role("button", name="Check now").click()
            user.sees(domain, "Verified")
            checked(user, "single-sign-on")
        with walk.user("harborline") as eli:
            eli.context.route("https://fonts.googleapis.com/**", lambda route: route.fulfill(content_type="text/css"))
            eli.open("/clients/cobalt/approvals")
            eli.page.get_by_role("link", name="Use single sign-on").click()
            eli.page.get_by_label("E-mail").fill(ELI)
            eli.page.get_by_role("button", name="Continue").click()
            eli.page.get_by_placeholder("Enter any login").fill(f"eli|{ELI}|yes|")
            eli.page.get_by_placeholder("and password").fill("x")
            eli.page.get_by_role("button", name="Sign-in").click()
            eli.page.get_by_role("button", name="Continue").click()
            eli.arrives("/clients/cobalt/approvals")
            expect(eli.page.locator(".viewer")).to_contain_text("Eli Stone")

    def test_a_member_adds_a_passkey_and_signs_in_by_it(self, walk: DemoWalk) -> None:
        with walk.user("harborline", HUGO) as user:
            tools = user.context.new_cdp_session(user.page)
            tools.send("WebAuthn.enable")
            options = {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                "isUserVerified": True, "automaticPresenceSimulation": True,
            }  # fmt: skip
            tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
            user.page.locator(".viewer summary").click()
            user.page.get_by_role("link", name="Your settings").click()
            user.page.get_by_role("link", name="Sign-in and security").click()
            user.page.get_by_role("link", name="Add a passkey").click()
            user.page.get_by_label("Name").fill("Work laptop")
            user.page.get_by_role("button", name="Create passkey").click()
            user.sees(checked(user, "passkeys"), "Work laptop")
            user.page.get_by_role("link", name="Back to the start page").click()
            user.page.locator(".viewer summary").click()
            user.page.get_by_role("button", name="Sign out", exact=True).click()
            user.page.get_by_role("link", name="Sign in with a passkey").click()
            user.page.get_by_role("button", name="Continue").click()
            expect(user.page.locator(".viewer")).to_contain_text("Hugo Marsh")


class TestPayments:
    """The invoice of last month, which the demonstration has sent to Birch."""

    def test_a_client_pays_by_stripe_and_is_refunded_and_disputes_it(self, walk: DemoWalk, outside: Outside) -> None:
        stripe, hooks = outside.stripe, f"/payment-hooks/{walk.msp('northbeam').msp_account.tenant_id}"
        with walk.user("northbeam", NORA) as nora, walk.user("northbeam", BO) as bo:
            menu(nora, "Invoices")
            nora.page.get_by_role("link", name="Payments").click()
            nora.page.get_by_label("Provider").select_option("stripe")
            nora.page.get_by_label("Secret key of Stripe").fill("sk_test_northbeam4242")
            nora.page.get_by_label("Signing secret of webhooks").fill(SIGNING)
            nora.page.get_by_role("button", name="Save", exact=True).click()
            nora.sees(nora.page.locator("main"), "Charges", "accepted")
            assert nora.page.locator("#webhook-address").inner_text().endswith(hooks)
            checked(nora, "payment-account")
            _open_sent_invoice(nora)
            place = f"/clients/birch{nora.page.url.removeprefix(nora.address)}"
            nora.page.get_by_role("button", name="Ask the payment provider again").click()
            bo.open(place)
            pay = bo.page.get_by_role("link", name="Pay now")
            until(bo, pay.is_visible)
            checked(bo, "invoice-to-pay")
            pay.click()
            bo.page.get_by_role("button", name=re.compile("Pay [0-9]")).click()
            expect(bo.page.get_by_role("heading", name="Paid")).to_be_visible()
            outside.deliver_stripe_events(walk, hooks, SIGNING)
            bo.open(place)
            until(bo, bo.page.get_by_role("table", name="Payments").is_visible)
            nora.open(place)
            nora.page.locator("summary", has_text="Refund").click()
            nora.page.locator("#f-refund-amount").fill("10.00")
            nora.page.locator("#f-refund-reason").fill("Two hours were counted twice.")
            with nora.page.expect_response(re.compile("/refunds?$")):
                nora.page.get_by_role("button", name="Refund", exact=True).click()
            until(nora, nora.page.get_by_text(re.compile(r"Refunded: \$?10\.55")).is_visible)
            checked(nora, "invoice-refunded")
            charge = next(iter(stripe.world.platform.of_kind("charge")))
            stripe.acts.dispute(charge["id"])
            outside.deliver_stripe_events(walk, hooks, SIGNING)
            until(nora, nora.page.get_by_text("Dispute: needs an answer").is_visible)
            nora.sees(checked(nora, "invoice-disputed"), "The payer's bank questions $1,202.70")

    def test_an_unpaid_invoice_becomes_overdue_and_is_reminded_of_by_mail(self, walk: DemoWalk) -> None:
        scope = walk.client("birch").scope

        async def a_month_later(services: Services) -> None:
            async with services.db.transaction(scope) as session:
                await advance_invoices(session, utc_now() + timedelta(days=60), new_id=new_id)

        with walk.user("northbeam", NORA) as nora:
            menu(nora, "Invoices")
            nora.page.get_by_role("link", name="Legal entity").click()
            nora.page.get_by_label("Reminders, days after the due day").fill("7")
            nora.page.get_by_role("button", name="Save", exact=True).click()
            nora.sees(nora.page.locator("#toasts"), "Legal entity saved")
            walk.run_with_services(a_month_later)
            _open_sent_invoice(nora)
            nora.sees(checked(nora, "invoice-overdue"), "Disputed", "Due day passed", "Reminder")
            menu(nora, "Mail")
            until(nora, lambda: nora.page.locator("tbody tr").filter(has_text="accounts@birch.example").count() > 1)
            nora.row("accounts@birch.example").get_by_role("link").click()
            nora.sees(checked(nora, "reminder-mail"), "Reminder: invoice INV-", "was due on", "1,192.15")


def _open_sent_invoice(user: BrowserUser) -> None:
    menu(user, "Invoices")
    user.page.locator("tbody tr").filter(has_text="INV-").first.get_by_role("link").click()
    user.arrives(f"/invoices/{ONE}")


WORDS = {
    "en": ("Sign in", "E-mail", "Password", "Overview"),
    "de": ("Anmelden", "E-Mail", "Passwort", "Übersicht"),
    "es": ("Iniciar sesión", "Correo electrónico", "Contraseña", "Resumen"),
    "fr": ("S’identifier", "E-mail", "Mot de passe", "Vue d’ensemble"),
}


@pytest.mark.parametrize("language", WORDS)
def test_each_locale_is_spoken_from_the_sign_in_to_the_overview(walk: DemoWalk, language: str) -> None:
    sign_in, email, password, overview = WORDS[language]
    with walk.user("northbeam", locale=language) as user:
        user.open("/clients/birch/overview")
        user.page.get_by_label(email).fill(ANA)
        user.page.get_by_label(password).fill(PASSWORD)
        user.page.get_by_role("button", name=sign_in, exact=True).click()
        expect(user.page.get_by_role("heading", level=1)).to_contain_text(overview)
        expect(user.page.locator("html")).to_have_attribute("lang", language)
        checked(user, f"overview-{language}")
