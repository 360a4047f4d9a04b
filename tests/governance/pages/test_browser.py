"""Every page of this room in a real Chromium: layout, readability, touch targets, security policy."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import uvicorn
from litestar.static_files import create_static_files_router
from playwright.async_api import Browser, ConsoleMessage, async_playwright

from branding.assets import asset_urls, build_assets
from branding.directory import BrandDirectory
from branding.image_store import image_reader
from branding.pages import brand_file_page
from foundation.audit.chain import append_audit
from foundation.ids import new_id
from foundation.web.boundary import Boundary
from governance.elements.create_element import create_element
from governance.elements.schemas import NewElement
from tests.branding.browser import FLAGS, ROOT
from tests.branding.test_browser import SMALL_TARGETS, WEAK_TEXT
from tests.governance.pages.samples import Sample
from tests.governance.pages.web_app import GovernanceWebApp, Reader, build_app
from tests.tenants.web_app import give_host

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]
_SEEN = "propagation.verified"
LOOKS = ((1280, "light", "fr"), (390, "dark", "es"), (320, "light", "de"))
"""Widths, each in a language whose texts are longer than the English."""


async def fill(web_app: GovernanceWebApp) -> dict[str, str]:
    """Add a row of each kind. Returns addresses of pages by name, with the reader before the colon."""
    acme = web_app.acme
    event = await acme.event(b'{"sku": "SKU-1", "note": "' + b"long " * 60 + b'"}')
    states = {"Web shop": "verified", "Harbour market": "accepted"}
    change = await acme.change("SKU-with-a-rather-long-key-0001", 1000, 1040, states=states, at=90, event=event)
    await acme.change("SKU-2", 5, 7, element="stock.on_hand", states={"Web shop": "refused"}, at=20)
    await acme.change("SKU-3", 1000, 10, state="refused", outcome="refuse", is_current=False)
    waiting = await acme.awaiting("SKU-4", 1000, 2000)
    exception = await acme.exception(
        "propagation.slo_breached", "Harbour market does not show a released value in time", exposure=200_000,
        channels=2, record="SKU-with-a-rather-long-key-0001", channel="Harbour market", change=change, due_in=-60,
    )  # fmt: skip
    await acme.exception("source.quarantined", "A message could not be read", event=event, connection=acme.source)
    await acme.letter("The channel answered 500 sixty times; the last: upstream timed out")
    async with acme.db.transaction(acme.scope) as session:
        for action, data in (("change.released", {"old": 1000, "new": 1040, "currency": "USD"}), *[(_SEEN, {})] * 2):
            append_audit(session, action=action, subject=f"change:{change}", data=data, at=acme.now)
    await add_elements(acme)
    replay = await acme.replay(change)
    root = "/clients/acme"
    return {
        "staff": "/inbox /inbox?kind=approval /fleet /elements /retention /retention?data_class=changes&keep_days=365",
        "admin": f"{root}/overview {root}/changes {root}/changes/{change} {root}/exceptions "
        f"{root}/exceptions/{exception} {root}/dead-letters {root}/connections {root}/elements {root}/audit?verify=yes "
        f"{root}/policy {root}/policy/draft {root}/policy/rule {root}/policy/rule?rule=price-large-change "
        f"{root}/policy/versions {root}/policy/replays/{replay}",
        "operator": f"{root}/events/{event} {root}/dead-letters {root}/exceptions/{exception}",
        "approver": f"{root}/approvals {root}/approvals/{waiting}",
        "partner": f"{root}/channel {root}/channel/values",
    }


async def add_elements(acme: Sample) -> None:
    """Add an element of the client's MSP, with long words, and one of the client."""
    alloys = NewElement(
        "surface_treatment_of_the_material", "Surface treatment of the material", "enumeration",
        dimensions=["locale", "location", "price_list"], codes=["anodised", "powder_coated", "galvanised"],
    )  # fmt: skip
    msp = acme.scope.for_tenant(acme.scope.msp_id)
    for scope, new in ((msp, alloys), (acme.scope, NewElement("care_label", "Care label", "text"))):
        async with acme.db.transaction(scope) as session:
            await create_element(session, new, now=acme.now)


@asynccontextmanager
async def serving(web_app: GovernanceWebApp, static: Path) -> AsyncIterator[str]:
    """The address, with its own host name: browsers resolve every name under localhost to this machine."""
    host = f"{new_id().hex}.localhost"
    await give_host(web_app.auth.db, web_app.msp, host)
    urls = asset_urls(build_assets(ROOT, static))
    files = create_static_files_router("/static", directories=[static])
    image = brand_file_page(image_reader(web_app.auth.db), BrandDirectory(web_app.auth.db, web_app.auth.clock))
    app = Boundary(cast("Any", build_app(web_app.auth, [image, files], static_url=urls)))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(cast("Any", app), log_config=None, access_log=False, lifespan="off"))
    serve = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has this flag only
        await asyncio.sleep(0.01)
    try:
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serve


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path is not None, "Chromium is needed: apt-get install chromium"
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        await started.close()


async def faults(
    browser: Browser, reader: Reader, address: str, *, width: int, scheme: str, language: str
) -> list[str]:
    """Faults of a page at this width, in words."""
    context = await browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        locale=language,
        reduced_motion="reduce",
    )
    await context.add_cookies([{"name": "session", "value": reader.cookie, "url": address}])
    page = await context.new_page()
    found: list[str] = []

    def complain(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            found.append(message.text)

    page.on("console", complain)
    answer = await page.goto(address)
    if answer is None or answer.status != 200:
        found.append(f"status {answer and answer.status}")
    if await page.evaluate("document.documentElement.lang") != language:
        found.append(f"not in {language}")
    scrolls = await page.evaluate("document.documentElement.scrollWidth")
    if scrolls != width:
        found.append(f"scrolls to {scrolls}")
    found += await page.evaluate(WEAK_TEXT)
    found += await page.evaluate(SMALL_TARGETS)
    await context.close()
    return [f"{address} at {width} {scheme} {language}: {fault}" for fault in found]


async def test_every_page_fits_can_be_read_and_breaks_no_policy(
    busy: GovernanceWebApp, browser: Browser, tmp_path: Path
) -> None:
    pages = await fill(busy)
    wrong: list[str] = []
    async with serving(busy, tmp_path) as base:
        for name, paths in pages.items():
            for path in paths.split():
                for width, scheme, language in LOOKS:
                    wrong += await faults(
                        browser, busy[name], base + path, width=width, scheme=scheme, language=language
                    )
    assert wrong == []
