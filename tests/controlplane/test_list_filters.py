"""Invalid parameters of every list, over all routes: shown on the list's own page, or a problem of the API."""

import inspect
import re
from collections.abc import Iterator
from html import escape
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from urllib.parse import urlencode

import httpx
import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    shared_admin,
    shared_env,
    shared_msp,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRONG = ["x" * 5_000, "no such choice", "\u202e\u200b", "0", "-1", "9" * 30]


NAMES_A_ROW = frozenset({"rule", "number"})
"""Parameters that name a row; without it there is no page."""


def parameters_of(handler: HTTPRouteHandler) -> dict[str, Any]:
    """Names of the handler's query parameters, with their types."""
    found: dict[str, Any] = {}
    provided = [provide.dependency for provide in handler.resolve_dependencies().values()]
    for function in (handler.fn, *provided):
        if not inspect.isfunction(function) or function.__module__.startswith("litestar."):
            continue
        for name, kind in get_type_hints(function, include_extras=True).items():
            if get_origin(kind) is not Annotated:
                continue
            for extra in get_args(kind)[1:]:
                if isinstance(extra, QueryParameter):
                    found[extra.name or name] = get_args(kind)[0]
    return found


def lists_of(web_app: WebApp, slug: str) -> Iterator[tuple[str, str, Any]]:
    """Address, parameter and its type, of each route whose address contains no other id than the client's."""
    for route in web_app.app.routes:
        for handler in getattr(route, "route_handlers", []):
            path = route.path_format.replace("{client}", slug)
            if "GET" in handler.http_methods and "{" not in path:
                for name, kind in parameters_of(handler).items():
                    yield path, name, kind


def heading_of(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    return found[1].strip() if found else ""


async def test_an_invalid_filter_is_reported_on_the_lists_page(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    tried = list(lists_of(web_app, msp_setup.slug))
    assert {"status", "subject", "kind", "code", "owner", "record", "cursor", "limit"} <= {name for _, name, _ in tried}
    pages: dict[str, httpx.Response] = {}
    for path, name, kind in tried:
        headers = {"HX-Request": "true"} if path.endswith(("/rows", "/waiting", "/charts")) else {}
        if path not in pages:
            pages[path] = await admin.http.get(path, headers=headers)
        plain = pages[path]
        if plain.status_code in {403, 404}:
            continue  # for another kind of reader
        for value in WRONG:
            answer = await admin.http.get(f"{path}?{urlencode({name: value})}", headers=headers)
            unknown = {404} if name in NAMES_A_ROW else set()
            assert answer.status_code in {200, 400, 422} | unknown, (path, name, value[:20])
            if answer.status_code in unknown:
                continue
            if path.startswith("/api/"):
                assert answer.status_code == 200 or answer.json()["type"].startswith("/problems/")
            elif kind is str and not path.endswith(".csv"):  # errors of files have a page of their own
                assert heading_of(answer.text) == heading_of(plain.text), (path, name, value[:20])


async def test_filters_show_the_requested_values(msp_setup: MspSetup, admin: Visit) -> None:
    client = f"/clients/{msp_setup.slug}"
    for path, name in (("exceptions", "owner"), ("changes", "element")):
        for value in ("q" * 3_000, "<b>strange"):
            answer = await admin.get(f"{client}/{path}?{urlencode({name: value})}")
            assert answer.status_code == (422 if len(value) > 2_000 else 200), (path, name)
            option = rf'<option value="{re.escape(escape(value))}"\s+selected>'
            assert re.search(option, answer.text), (path, name)
            assert 'class="filters"' in answer.text


async def test_an_invalid_choice_is_reported_above_the_unfiltered_list(msp_setup: MspSetup, admin: Visit) -> None:
    client = f"/clients/{msp_setup.slug}"
    for path, name, usual in (
        ("exceptions", "status", "open"), ("exceptions", "code", ""), ("exceptions", "domain", ""),
        ("dead-letters", "status", "open"), ("audit", "kind", ""), ("changes", "status", ""),
    ):  # fmt: skip
        for value in ("q" * 3_000, "<b>strange"):
            answer = await admin.get(f"{client}/{path}?{urlencode({name: value})}")
            assert answer.status_code == 400, (path, name)
            assert f"“{escape(value[:80])}” is not a value of “{name}”" in answer.text
            assert re.search(rf'<option value="{usual}"\s+selected>', answer.text), (path, name)
            assert 'class="filters"' in answer.text
