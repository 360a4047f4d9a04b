"""Query parameters over all routes: unknown ones are refused with the reason, never ignored.

The API answers 400 with the parameter and its values; a page shows its default view with the reason above it.
"""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from litestar.handlers import HTTPRouteHandler

from foundation.web.parameters import parameters_of
from tests.controlplane.test_list_filters import parameters_of as declared_by
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

WRONG = ["zzz", "OPEN", "open ", "½", "1_000", "1E400"]
"""Values outside every fixed set that are neither identifiers nor accepted numbers."""
NOTICE = re.compile(r'<p class="notice-title">The input is not valid</p>\s*<p>(.*?)</p>', re.DOTALL)
NUMBERS = {"1_000"}


def routes_of(web_app: WebApp, slug: str, *, api: bool) -> Iterator[tuple[str, HTTPRouteHandler]]:
    for route in web_app.app.routes:
        for handler in getattr(route, "route_handlers", []):
            path = route.path_format.replace("{client}", slug)
            is_list = "GET" in handler.http_methods and "permission" in handler.opt and "{" not in path
            if is_list and path.startswith("/api/") is api:
                yield path, handler


def heading_of(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    return found[1].strip() if found else ""


def is_part(handler: HTTPRouteHandler) -> bool:
    return bool(handler.opt.get("fragment"))


async def test_the_api_refuses_unknown_and_repeated_parameters(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    tried = 0
    for path, handler in routes_of(web_app, msp_setup.slug, api=True):
        if (await admin.api("GET", path)).status_code != 200:
            continue
        known = sorted(parameters_of(handler))
        for query in ("statuss=open", "Limit=1", "limit%20=1", "utm_source=x", "cursor[]=1"):
            answer = await admin.api("GET", f"{path}?{query}")
            assert answer.status_code == 400, (path, query)
            assert answer.json()["allowed"] == known, (path, query)
        for name in known:
            answer = await admin.api("GET", f"{path}?{name}=&{name}=")
            assert (answer.status_code, answer.json()["field"]) == (400, name), (path, name)
            assert "times in the address. Send it once." in answer.json()["detail"]
            tried += 1
    assert tried > 20


async def test_the_api_names_the_parameter_and_its_values(web_app: WebApp, msp_setup: MspSetup, admin: Visit) -> None:
    chosen = 0
    for path, handler in routes_of(web_app, msp_setup.slug, api=True):
        if (await admin.api("GET", path)).status_code != 200:
            continue
        for name, rule in parameters_of(handler).items():
            kind = declared_by(handler)[name]
            if kind in {str, str | None, list[str]} and not rule.choices:
                continue
            for value in WRONG:
                if kind in {int, bool, int | None} and value in NUMBERS:
                    continue
                answer = await admin.http.get(path, params={name: value}, headers={"Accept": "application/json"})
                assert answer.status_code == 400, (path, name, value)
                body = answer.json()
                assert body["field"] == name
                assert f"“{name}”" in body["detail"]
                if rule.choices:
                    assert body["allowed"] == [each for each in rule.choices if each]
                    assert all(each in body["detail"] for each in body["allowed"])
                    chosen += 1
    assert chosen > 30


async def test_a_page_shows_its_default_view_and_the_reason(web_app: WebApp, msp_setup: MspSetup, admin: Visit) -> None:
    tried: set[tuple[str, str]] = set()
    for path, handler in routes_of(web_app, msp_setup.slug, api=False):
        headers = {"HX-Request": "true"} if is_part(handler) else {}
        plain = await admin.http.get(path, headers=headers)
        if plain.status_code != 200:
            continue
        for name, rule in parameters_of(handler).items():
            kind = declared_by(handler)[name]
            if kind in {str, str | None, list[str]} and not rule.choices:
                continue
            for value in WRONG:
                if kind == int | None and value in NUMBERS:
                    continue
                answer = await admin.http.get(path, params={name: value}, headers=headers)
                assert answer.status_code == 400, (path, name, value)
                if path.endswith(".csv"):
                    assert "text/html" in answer.headers["content-type"]
                    assert f"“{name}”" in answer.text
                    continue
                assert heading_of(answer.text) == heading_of(plain.text)
                if not headers:
                    notices = [unescape(each) for each in NOTICE.findall(answer.text)]
                    assert len(notices) == 1, (path, name, value)
                    assert f"“{name}”" in notices[0]
                    assert all(each in notices[0] for each in rule.choices), notices
                    assert len(answer.text) > 0.8 * len(plain.text)
                tried.add((path.rpartition("/")[2], name))
    wanted = {("approvals", "status"), ("overview", "span"), ("fleet", "show"), ("rows", "show"), ("charts", "span")}
    assert wanted | {("audit", "kind"), ("audit", "verify"), ("exceptions", "code"), ("changes", "status")} <= tried


async def test_each_invalid_parameter_is_named_and_the_others_are_redisplayed(
    msp_setup: MspSetup, admin: Visit
) -> None:
    address = f"/clients/{msp_setup.slug}/exceptions?status=resolved&code=zzz&domain=nothing"
    answer = await admin.get(address)
    assert answer.status_code == 400
    notices = " ".join(unescape(each) for each in NOTICE.findall(answer.text))
    assert all(f"“{name}”" in notices for name in ("code", "domain"))
    assert "“status”" not in notices
    assert re.search(r'<option value="resolved"\s+selected>', answer.text)


async def test_a_repeated_filter_of_a_page_is_not_guessed(msp_setup: MspSetup, admin: Visit) -> None:
    answer = await admin.get(f"/clients/{msp_setup.slug}/approvals?status=answered&status=pending")
    assert answer.status_code == 400
    assert "times in the address. Send it once." in answer.text
    # Parameters that mail programs add to links are not the reader's error.
    assert (await admin.get(f"/clients/{msp_setup.slug}/approvals?utm_source=mail&utm_source=x")).status_code == 200


async def test_unauthenticated_requests_do_not_learn_parameters(web_app: WebApp, msp_setup: MspSetup) -> None:
    stranger = web_app.visit(msp_setup.host)
    answer = await stranger.http.get("/api/v1/clients?zzz=1", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert "cursor" not in answer.text


@pytest.mark.parametrize("value", ['"><script>alert(1)</script>', "\u202ezzz", "z" * 5_000, "{{7*7}}", "%s"])
async def test_a_refused_value_is_shown_as_text(msp_setup: MspSetup, admin: Visit, value: str) -> None:
    answer = await admin.http.get(f"/clients/{msp_setup.slug}/overview", params={"span": value})
    assert answer.status_code == 400
    assert "<script>alert" not in answer.text
    assert "\u202e" not in answer.text
    assert "49" not in unescape(NOTICE.findall(answer.text)[0])
    assert len(NOTICE.findall(answer.text)[0]) < 400
