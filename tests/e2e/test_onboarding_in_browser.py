"""A new member completes the demonstration's half-finished onboarding in a browser, without a terminal."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from controlplane.demo.installation import DemoInstallation
from controlplane.demo.onboarding import NAME, SLUG
from tests.branding.browser import launch
from tests.e2e.walking import BrowserUser, DemoWalk, open_demo, running_env

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

NORA = "nora@northbeam.example"
ONE = "[0-9a-f-]{36}"


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoInstallation]:
    with running_env() as started:
        yield started


@pytest.fixture(scope="module")
def walk(demo: DemoInstallation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoWalk]:
    with launch() as browser, open_demo(demo, browser, tmp_path_factory) as opened:
        yield opened


def test_a_newcomer_finishes_the_onboarding_in_the_browser(walk: DemoWalk) -> None:
    with walk.user("northbeam", NORA) as user:
        address, key = _read_start_page(user, walk.demo)
        user.open("/onboarding")
        user.sees(user.row(NAME), "Systems", "No channel that shows values is connected.", "none yet")
        user.page.get_by_role("link", name=NAME).click()
        user.arrives(f"/clients/{SLUG}/onboarding")
        _connect_shop(user, address, key)
        _assign_elements(user)
        _accept_baseline(user)
        user.page.locator(".steps-rail").get_by_role("link", name=re.compile("Go-live")).click()
        user.arrives("/onboarding/go_live")
        user.sees(user.page.locator(".checklist"), "The first value was read back", "2 connections, all tested.")
        user.shot("onboarding-ready")
        user.page.get_by_role("button", name="Go live").click()
        user.sees(user.page.locator("main"), "Live since", "after the client was created")
        user.open("/onboarding?status=live")
        row = user.sees(user.row(NAME), "Live")
        expect(row.locator("td").last).not_to_contain_text("none yet")
    assert walk.shopper_sees(SLUG, "SKU-000", "41")


def _read_start_page(user: BrowserUser, demo: DemoInstallation) -> tuple[str, str]:
    page = user.context.new_page()
    page.goto(f"http://localhost:{demo.port}/")
    address, key = page.locator("code").all_inner_texts()[:2]
    page.close()
    return address, key


def _connect_shop(user: BrowserUser, address: str, key: str) -> None:
    user.page.locator("#onboarding").get_by_role("link", name="Add a connection").click()
    user.page.get_by_role("link", name=re.compile("Sandbox shop")).click()
    user.arrives("/connections/new/sandbox-shop")
    user.page.get_by_label("Name", exact=True).fill("Web shop")
    user.page.get_by_label("Address").fill(address)
    user.page.get_by_label("API key").fill(key)
    user.page.get_by_role("button", name="Test and save").click()
    user.arrives(f"/connections/{ONE}")
    _back(user, "Data ownership")


def _assign_elements(user: BrowserUser) -> None:
    user.page.get_by_role("link", name="Assign data ownership").click()
    user.arrives("/contracts")
    gaps = user.page.get_by_role("table", name="Gaps")
    user.sees(gaps, "List price", "Stock on hand", "No owner", "ERP")
    user.page.get_by_role("button", name="Publish contracts").click()
    user.sees(user.page.locator("main"), "Pricing", "Operations", "Finance")
    _back(user, "Baseline")


def _accept_baseline(user: BrowserUser) -> None:
    user.page.locator("#onboarding").get_by_role("link", name="Baselines").click()
    user.arrives("/baselines")
    user.page.get_by_role("button", name=re.compile("baseline", re.IGNORECASE)).first.click()
    user.arrives(f"/baselines/{ONE}")
    user.page.get_by_role("button", name=re.compile("Accept")).first.click()
    answer = user.page.get_by_role("dialog").get_by_role("button", name=re.compile("Accept"))
    if answer.count():
        answer.click()
    user.sees(user.page.locator("main"), "accepted")
    _back(user, "Go-live")


def _back(user: BrowserUser, step: str) -> None:
    """Return by the menu to the wizard, whose current step is `step`."""
    user.page.locator(".nav").get_by_role("link", name="Onboarding").first.click()
    user.arrives(f"/clients/{SLUG}/onboarding")
    expect(user.page.locator(".steps-rail [aria-current]")).to_contain_text(step)
