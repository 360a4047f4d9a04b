"""Users in real browsers of the running product, and actions outside it: of the ERP's operator and of a shopper."""

import asyncio
import os
import re
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2
import msgspec
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from billing.jobs import schedule_rating, schedule_total
from connectors.sandbox.faults import Faults
from connectors.sandbox.plan import SystemPlan
from connectors.webhooks.signatures import sign
from controlplane.demo.installation import DemoInstallation
from controlplane.demo.plan import PASSWORD
from controlplane.demo.seed import SeededClient, SeededMsp
from controlplane.services import Services, build_services
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.branding.browser import SECONDS


class BrowserUser:
    """One browser of one person, on the address of one brand. Errors that the browser reports are recorded."""

    def __init__(self, browser: Browser, address: str, shots: Path, **options: Any) -> None:
        self.address = address
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options}
        )
        self.context.set_default_timeout(SECONDS)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self._shots = shots
        self.page.on("console", self._complain)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _complain(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self.shot("failed")
        self.context.close()
        if error is None:
            assert self.complaints == []

    def sign_in(self, email: str) -> Self:
        self.open("/sign-in")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.locator(".viewer")).to_be_attached()
        return self

    def open(self, path: str) -> int:
        """Return the status of the response."""
        answer = self.page.goto(self.address + path)
        assert answer is not None
        return answer.status

    def row(self, text: str) -> Locator:
        """The first row of a table that contains `text`."""
        return self.page.locator("tbody tr").filter(has_text=text).first

    def sees(self, found: Locator, *texts: str) -> Locator:
        """Wait until `found` shows all texts at once: a page redrawn between two checks may have shown neither."""
        words = (r"\s+".join(map(re.escape, text.split())) for text in texts)
        expect(found).to_contain_text(re.compile("".join(rf"(?=[\s\S]*{each})" for each in words)))
        return found

    def arrives(self, pattern: str) -> None:
        """Wait until the address ends so and that page is loaded: a click returns while the old one is still shown."""
        self.page.wait_for_url(re.compile(f"{pattern}$"))

    def follows(self, link: Locator) -> None:
        """Click a link and wait for its page: a reload before that would load the old page again."""
        path = link.get_attribute("href")
        assert path is not None
        link.click()
        self.arrives(re.escape(path))

    def shot(self, name: str) -> None:
        (self._shots / name).parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self._shots / f"{name}.png", full_page=True)


class DemoWalk:
    """The running product, its sandbox systems, and their users."""

    def __init__(self, demo: DemoInstallation, browser: Browser, shots: Path) -> None:
        self.demo = demo
        self.shots = shots
        self._browser = browser
        self._http = httpx2.Client(timeout=SECONDS / 1000)

    def close(self) -> None:
        self._http.close()

    def msp(self, slug: str) -> SeededMsp:
        return next(msp for msp in self.demo.msps if msp.plan.slug == slug)

    def client(self, slug: str) -> SeededClient:
        return next(client for client in self.demo.clients if client.plan.slug == slug)

    def user(self, msp: str, email: str = "", **options: Any) -> BrowserUser:
        """Signed in when `email` is given."""
        user = BrowserUser(self._browser, self.demo.address(msp), self.shots, **options)
        return user.sign_in(email) if email else user

    def change(self, client: str, sku: str, element: str, amount: int) -> None:
        """The operator of the client's ERP saves a new value."""
        body = {"changes": [{"sku": sku, "element": element, "amount": amount}]}
        headers = {"Authorization": f"Bearer {self.demo.token}"}
        self._http.post(self._system(client, "erp", "changes"), json=body, headers=headers).raise_for_status()

    def add_system(self, name: str, kind: str) -> str:
        """Another system of the sandbox, as a client brings it along. Returns its address."""
        plan = SystemPlan(name=name, kind=kind, token=self.demo.token, currency="USD", skus=12)  # type: ignore[arg-type]
        url = f"{self.demo.sandbox}/_systems"
        self._http.put(url, content=msgspec.json.encode(plan)).raise_for_status()
        return f"{self.demo.sandbox}/{name}"

    def point_webhook(self, system: str, url: str, secret: str) -> None:
        """The operator of an ERP enters where its webhooks go."""
        body = {"url": url.replace(urlsplit(url).netloc, f"127.0.0.1:{self.demo.port}"), "secret": secret}
        self._http.put(f"{system}/_webhook", content=msgspec.json.encode(body)).raise_for_status()

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        """A request to the product from another system."""
        return self._http.post(f"http://127.0.0.1:{self.demo.port}{path}", content=body, headers=headers).status_code

    def shopper_sees(self, client: str, sku: str, price: str) -> bool:
        """The values on the shop's own storefront."""
        page = self._http.get(self._system(client, "shop", "")).raise_for_status().text
        return price in page.split(f'data-sku="{sku}"')[1].split("</tr>")[0]

    def break_(self, client: str, system: str, faults: Faults) -> None:
        url = self._system(client, system, "_faults")
        self._http.put(url, content=msgspec.json.encode(faults)).raise_for_status()

    def mend(self, client: str, system: str) -> None:
        self._http.delete(self._system(client, system, "_faults")).raise_for_status()

    def send_hook(self, client: str, body: bytes) -> int:
        """Send a webhook of the client's ERP with a valid signature."""
        found = self.client(client)
        headers = sign(found.hook_secret.encode(), message_id=f"msg_{new_id()}", sent_at=utc_now(), body=body)
        headers["content-type"] = "application/json"
        url = f"http://127.0.0.1:{self.demo.port}/hooks/{found.erp}"
        return self._http.post(url, content=body, headers=headers).status_code

    def raw(self, user: BrowserUser, path: str) -> str:
        """The response for `path` as text: status line, headers and body."""
        cookie = "; ".join(f"{one['name']}={one['value']}" for one in user.context.cookies())
        headers = {"Host": user.address.removeprefix("http://"), "Cookie": cookie}
        answer = self._http.get(f"http://127.0.0.1:{self.demo.port}{path}", headers=headers)
        lines = [f"{name}: {value}" for name, value in answer.headers.multi_items()]
        return "\n".join([str(answer.status_code), *lines, answer.text])

    def run_with_services(self, act: Callable[[Services], Coroutine[Any, Any, None]]) -> None:
        """Actions that no page offers yet. In a thread, because the browser's event loop runs in this one."""

        async def carry_out() -> None:
            services = build_services(self.demo.stack.settings, pool_size=2, name="fairlead tests")
            try:
                await act(services)
            finally:
                await services.close()

        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, carry_out()).result()

    def _system(self, client: str, system: str, path: str) -> str:
        return f"{self.demo.sandbox}/{client}-{system}/{path}"


@contextmanager
def running_env(environment: Mapping[str, str] | None = None) -> Iterator[DemoInstallation]:
    """The demonstration, started before any browser, because Playwright's loop occupies its thread.

    Outside pytest's folder, which a concurrent pytest would make inaccessible to the database's user.
    """
    with (
        TemporaryDirectory(prefix="fairlead-demo-") as folder,
        DemoInstallation(Path(folder), environment=environment or {}, port=0) as demo,
    ):
        yield demo


@contextmanager
def open_demo(demo: DemoInstallation, browser: Browser, factory: pytest.TempPathFactory) -> Iterator[DemoWalk]:
    """Screenshots go to FAIRLEAD_ARTIFACTS, or into pytest's own folder."""
    kept = os.environ.get("FAIRLEAD_ARTIFACTS")
    walk = DemoWalk(demo, browser, Path(kept) / "pages" if kept else factory.mktemp("pages"))
    try:
        yield walk
    finally:
        walk.close()


def until(user: BrowserUser, is_so: Callable[[], bool]) -> None:
    """Reload the page until the condition is true, for pages that do not refresh themselves."""
    for _ in range(SECONDS // 250):
        if is_so():
            return
        user.page.wait_for_timeout(250)
        user.page.reload()
    raise AssertionError(f"{user.page.url} never showed it")


def sees_read_back(user: BrowserUser, value: str, *, channels: int = 2) -> None:
    """Wait for the read-back on each channel of a change's page. A rollback's old page names the old value too, in
    another column.
    """
    rows = user.page.get_by_role("table", name="State on each channel").locator("tbody tr")
    expect(rows).to_have_count(channels)
    for place in range(channels):
        expect(rows.nth(place).locator("[data-label='Read back']")).to_contain_text(value)
        expect(rows.nth(place).locator("[data-label='State']")).to_contain_text("Visible")


def addresses(links: Locator) -> set[str]:
    return set(links.evaluate_all("all => all.map((one) => one.getAttribute('href'))"))


def newcomer(user: BrowserUser, links: Locator, known: Collection[str]) -> Locator:
    """The link that was not among the known ones, as soon as there is one."""
    until(user, lambda: bool(addresses(links).difference(known)))
    [new] = addresses(links).difference(known)
    return user.page.locator(f"a[href='{new}']")


def ignore_responses(user: BrowserUser, *statuses: str) -> None:
    """Ignore these responses in the browser's log, because the test requested them."""
    expected = tuple(f"the server responded with a status of {status}" for status in statuses)
    user.complaints[:] = [text for text in user.complaints if not any(words in text for words in expected)]


async def rate(walk: DemoWalk, services: Services) -> None:
    for msp in walk.demo.msps:
        for client in msp.clients:
            async with services.db.transaction(client.scope) as session:
                await schedule_rating(session, utc_now())
        async with services.db.transaction(msp.msp_account) as session:
            await schedule_total(session, utc_now() + timedelta(seconds=2))
