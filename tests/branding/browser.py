"""The design page served as in production (strict policy, hashed files), and a Chromium that opens it."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import uvicorn
from litestar import Litestar, Request, Response, get, post
from litestar.di import Provide
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from branding.assets import asset_urls, build_assets
from branding.brand import Brand
from branding.directory import BrandDirectory
from branding.environment import build_environment
from branding.images import ImageKind
from branding.pages import ShownBrand, build_pages
from branding.shell import Page as Shell
from branding.shell import is_boosted
from tests.branding.pages import NOW, northwind, saffron

ROOT = Path(__file__).parents[2]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
SECONDS = 60_000
"""Milliseconds until a page must show a result; only failing tests wait that long."""
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
TRIAL = """
{% extends page.layout %}{% import "components/ui.html" as ui %}
{% block content %}
  {{ ui.page_header("Trial", trail=[("Design", "/design")]) }}
  <form id="bad" hx-post="/trial/refused" hx-swap="outerHTML">{{ ui.button("Refused", type="submit") }}</form>
  <form id="broken" hx-post="/trial/broken">{{ ui.button("Broken", type="submit") }}</form>
  <div id="good" hx-get="/trial/toast" hx-trigger="click">{{ ui.button("Toast") }}</div>
  <button type="button" id="asks" class="is-danger" hx-get="/trial/toast" hx-confirm="Stop the lane?">Stop</button>
  <div id="polls" hx-get="/trial/poll" hx-trigger="every 100ms" hx-swap="none">polls</div>
  <div id="redrawn" hx-get="/trial/redrawn" hx-trigger="every 100ms" hx-swap="outerHTML"></div>
  <form hx-get="/trial/echo" hx-trigger="input" hx-target="#echo">
    {{ ui.checkbox("own", "Own colour") }}
    {{ ui.text_field("colour", "Colour", "#AAAAAA", type="color", attrs={"data-ticks": "own"}) }}
  </form>
  <div id="echo"></div>
  <div class="field-grid">
    {{ ui.select_field("use", "Connections", [("", "What the price book of the client says, whatever that is")]) }}
    {% for name in ("At most", "and for each seat", "Warning from") %}
      {{ ui.text_field(name, name, required=false) }}
    {% endfor %}
  </div>
  {{ ui.action("Approve", "/trial/posted", "tok", confirm="Approve this?", values={"id": "7"}) }}
{% endblock %}
"""


# axe-core's rules for WCAG 2.2 A and AA, and its own for good practice; evaluated from outside the page's policy.
AXE = ROOT / "node_modules/axe-core/axe.min.js"
RUN_AXE = """() => axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"],
}).then((found) => found.violations.flatMap(
  (rule) => rule.nodes.map((node) => `${rule.id}: ${rule.help}: ${node.html.slice(0, 160)}`)))"""


@dataclass
class Seen:
    """Requests that reached the server."""

    posts: list[dict[str, str]] = field(default_factory=list)
    polls: int = 0
    redrawn: int = 0
    boosted: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class BrandWebApp:
    address: str
    seen: Seen


def _app(static: Path, seen: Seen) -> Litestar:  # noqa: C901 - a handler for each trial
    environment = build_environment({}, static_url=asset_urls(build_assets(ROOT, static)))

    def shown(request: Request[Any, Any, Any]) -> Brand:
        return saffron() if request.cookies.get("brand") == "saffron" else northwind()

    @get("/trial", sync_to_thread=False)
    def trial(request: Request[Any, Any, Any], brand: ShownBrand) -> Template:
        page = Shell(brand=brand, title="Trial", now=NOW, csrf_token="tok", boosted=is_boosted(request.headers))
        return Template(template_str=TRIAL, context={"page": page})

    @get("/trial/toast", sync_to_thread=False)
    def toast() -> Template:
        source = '{% import "components/ui.html" as ui %}<b>done</b>{{ ui.toast("warn", "Done", "All 3 channels") }}'
        return Template(template_str=source)

    @get("/trial/poll", sync_to_thread=False)
    def poll() -> str:
        seen.polls += 1
        return ""

    @get("/trial/echo", sync_to_thread=False)
    def echo(request: Request[Any, Any, Any]) -> str:
        return f"shown: {request.query_params['colour']}"

    @get("/trial/redrawn", sync_to_thread=False)
    def redrawn() -> str:
        seen.redrawn += 1
        return (
            f'<div id="redrawn" hx-get="/trial/redrawn" hx-trigger="every 100ms" hx-swap="outerHTML">'
            f'<a href="/trial?one">{seen.redrawn}</a> <a href="/trial?two">{seen.redrawn}</a>'
            "<details><summary>More</summary>Unfolded</details>"
            '<form method="post" action="/trial/posted" data-confirm="Pause it?">'
            '<input type="hidden" name="id" value="8"><button>Pause</button></form></div>'
        )

    @post("/trial/refused", status_code=422, sync_to_thread=False)
    def refused(request: Request[Any, Any, Any]) -> Template:
        seen.tokens.append(request.headers.get("x-csrf-token", ""))
        source = (
            '{% import "components/ui.html" as ui %}<form id="bad">{{ ui.error_summary([("a", "Too low.")]) }}</form>'
        )
        return Template(template_str=source)

    @post("/trial/broken", status_code=500, sync_to_thread=False)
    def broken() -> str:
        return "no"

    @post("/trial/posted")
    async def posted(request: Request[Any, Any, Any]) -> Response[str]:
        seen.posts.append({name: str(value) for name, value in (await request.form()).items()})
        return Response("", status_code=303, headers={"Location": "/trial"})

    def note(request: Request[Any, Any, Any]) -> None:
        if request.headers.get("hx-boosted"):
            seen.boosted.append(request.url.path)

    return Litestar(
        [*build_pages(lambda: NOW, no_image, BrandDirectory(cast("Any", None), lambda: NOW)), trial, toast, poll, echo,
         redrawn, refused, broken, posted,
         create_static_files_router(path="/static", directories=[static])],
        dependencies={"brand": Provide(shown, sync_to_thread=False)},
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment)),
        before_request=note,
        after_request=_with_policy,
        openapi_config=None,
        logging_config=None,
    )  # fmt: skip


async def no_image(_host: str, _brand: Brand, _kind: ImageKind) -> bytes | None:
    return None


def _with_policy(response: Response[Any]) -> Response[Any]:
    response.headers["Content-Security-Policy"] = POLICY
    return response


@contextmanager
def serve(static: Path) -> Iterator[BrandWebApp]:
    seen = Seen()
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(_app(static, seen), log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield BrandWebApp(f"http://127.0.0.1:{listener.getsockname()[1]}", seen)
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@contextmanager
def launch() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path is not None, "Chromium is needed: apt-get install chromium"
    expect.set_options(timeout=SECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


def find_barriers(page: Page) -> list[str]:
    """Accessibility violations: one sentence per rule and element."""
    page.evaluate(AXE.read_text())
    found: list[str] = page.evaluate(RUN_AXE)
    return found


def open_page(context: BrowserContext, address: str) -> tuple[Page, list[str]]:
    """The page, and errors that the browser reports while it is open."""
    page, complaints = context.new_page(), []

    def complain(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", complain)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    return page, complaints
