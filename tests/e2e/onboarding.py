"""Steps of a client's onboarding, each on the page to which the wizard leads."""

import re
from dataclasses import dataclass

from playwright.sync_api import expect

from controlplane.demo.installation import DemoInstallation
from controlplane.demo.plan import PASSWORD
from tests.e2e.walking import BrowserUser, DemoWalk

ONE = "[0-9a-f-]{36}"


@dataclass(frozen=True)
class Wizard:
    """The onboarding of one client, walked by one person."""

    user: BrowserUser
    slug: str

    @property
    def address(self) -> str:
        return f"/clients/{self.slug}/onboarding"

    def back(self, step: str) -> None:
        """Return by the menu to the wizard, whose current step is `step`."""
        self.user.page.locator(".nav").get_by_role("link", name="Onboarding").first.click()
        self.user.arrives(self.address)
        expect(self.user.page.locator(".steps-rail [aria-current]")).to_contain_text(step)

    def connect(self, kind: str, name: str, address: str, secrets: dict[str, str]) -> None:
        page = self.user.page
        page.locator("#onboarding").get_by_role("link", name="Add a connection").click()
        page.get_by_role("link", name=re.compile(kind)).click()
        self.user.arrives("/connections/new/sandbox-[a-z]+")
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Address").fill(address)
        for label, value in secrets.items():
            page.get_by_label(label).fill(value)
        page.get_by_role("button", name="Test and save").click()
        self.user.arrives(f"/connections/{ONE}")

    def assign_elements(self) -> None:
        page = self.user.page
        page.get_by_role("link", name="Assign data ownership").click()
        self.user.arrives("/contracts")
        self.user.sees(page.get_by_role("table", name="Gaps"), "List price", "Stock on hand", "No owner", "ERP")
        page.get_by_role("button", name="Publish contracts").click()
        self.user.sees(page.locator("main"), "Pricing", "Operations", "Finance")

    def accept_baseline(self) -> None:
        page = self.user.page
        page.locator("#onboarding").get_by_role("link", name="Baselines").click()
        self.user.arrives("/baselines")
        page.get_by_role("button", name="Read a new baseline").click()
        self.user.arrives(f"/baselines/{ONE}")
        page.get_by_role("button", name="Accept this baseline").click()
        page.get_by_role("dialog").get_by_role("button", name=re.compile("Accept")).click()
        self.user.sees(page.locator("main"), "Accepted by")

    def open_step(self, label: str, name: str) -> None:
        self.user.page.locator(".steps-rail").get_by_role("link", name=re.compile(label)).click()
        self.user.arrives(f"/onboarding/{name}")

    def go_live(self) -> None:
        page = self.user.page
        checks = page.locator(".checklist")
        self.user.sees(checks, "The first value was read back", "2 connections, all tested.")
        self.user.shot(f"onboarding-ready-{self.slug}")
        page.get_by_role("button", name="Go live").click()
        self.user.sees(page.locator("main"), "Live since", "after the client was created")


def shown_on_the_start_page(user: BrowserUser, demo: DemoInstallation) -> tuple[str, str]:
    """Address and key of the shop to connect."""
    page = user.context.new_page()
    page.goto(f"http://localhost:{demo.port}/")
    address, key = page.locator("code").all_inner_texts()[:2]
    page.close()
    return address, key


def invite(user: BrowserUser, name: str, email: str, role: str) -> str:
    """From the list of members. Returns the link of the invitation."""
    page = user.page
    page.get_by_role("link", name="Invite", exact=True).click()
    user.arrives("/members/invite")
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label(role).check()
    page.get_by_role("button", name="Create invitation").click()
    link: str = user.sees(page.locator("#link"), "/welcome/").inner_text()
    return link


def accept_invitation(walk: DemoWalk, msp: str, link: str, home: str) -> None:
    with walk.user(msp) as guest:
        guest.page.goto(link)
        guest.page.get_by_label("Password", exact=True).fill(PASSWORD)
        guest.page.get_by_label("Repeat the password").fill(PASSWORD)
        guest.page.get_by_role("button", name="Save and sign in").click()
        guest.arrives(home)
