"""Malformed inputs over all routes: unreported variants of reported ones."""

from collections.abc import Iterator
from urllib.parse import quote, urljoin, urlsplit

import pytest

from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    shared_admin,
    shared_env,
    shared_msp,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import PASSWORD, MspSetup, Visit, WebApp

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = "text/html; charset=utf-8"
PROBLEM = "application/problem+json"
_MOUNTS = ("/hooks", "/payment-hooks", "/static")


def paths_of(web_app: WebApp, slug: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Addresses without further parameters, with their methods."""
    methods: dict[str, set[str]] = {}
    for route in web_app.app.routes:
        path = route.path_format.replace("{client}", slug)
        if "{" not in path:
            methods.setdefault(path, set()).update(getattr(route, "methods", ()))
    for path, found in methods.items():
        yield path, frozenset(found)


async def test_head_is_get_without_a_body_on_every_route(web_app: WebApp, msp_setup: MspSetup, admin: Visit) -> None:
    tried = 0
    for path, methods in paths_of(web_app, msp_setup.slug):
        if "GET" not in methods or path.startswith(_MOUNTS) or path == "/readyz":
            continue
        head, get = await admin.http.head(path), await admin.http.get(path)
        assert head.status_code == get.status_code, path
        assert head.content == b"", path
        assert head.headers.get("content-type") == get.headers.get("content-type"), path
        tried += 1
    assert tried > 50


async def test_options_lists_the_methods_of_every_route(web_app: WebApp, msp_setup: MspSetup, admin: Visit) -> None:
    for path, methods in paths_of(web_app, msp_setup.slug):
        if path.startswith(_MOUNTS):
            continue
        answer = await admin.http.request("OPTIONS", path)
        assert answer.status_code in {200, 204}, path
        allowed = {each.strip() for each in answer.headers["allow"].split(",")}
        assert methods <= allowed, path
        assert "access-control-allow-origin" not in answer.headers, path


async def test_no_answer_of_an_account_may_be_stored_by_others(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    for path, methods in paths_of(web_app, msp_setup.slug):
        if "GET" not in methods or path.startswith(_MOUNTS):
            continue
        for headers in ({}, {"Range": "bytes=0-9"}, {"If-Match": '"x"'}, {"If-None-Match": "*"}, {"If-Range": '"x"'}):
            answer = await admin.http.get(path, headers=headers)
            rule = answer.headers["cache-control"]
            if path.startswith("/brands/") or "immutable" in rule:
                continue
            assert "public" not in rule, (path, headers)
            assert "no-store" in rule or "no-cache" in rule, (path, headers)
            assert answer.status_code not in {206, 416, 500}, (path, headers)


@pytest.mark.parametrize(
    "shape",
    [
        "{}/",
        "{}//",
        "//{}",
        "{}/.",
        "{}/..%2f",
        "{}%2f",
        "{}%00",
        "{}%0d%0a",
        "{};x=1",
        "{}%3f",
        "{}%23",
        "{}\\",
        "{}%5c..%5c",
        "{}%c0%af",
        "{}/%e2%80%ae",
        "{}%20",
        "{}.json",
        "{}%252e",
    ],
)
async def test_addresses_similar_to_a_route_never_fail(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, shape: str
) -> None:
    for path in (
        "/fleet",
        f"/clients/{msp_setup.slug}/changes",
        f"/api/v1/clients/{msp_setup.slug}/changes",
        "/sign-in",
        "/",
    ):
        answer = await admin.http.get(shape.format(path.lstrip("/") if shape.startswith("//") else path))
        assert answer.status_code in {200, 303, 400, 404}, (path, answer.status_code)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html;q=0, */*", PROBLEM),
        ("text/html; q=0.000", PROBLEM),
        ("TEXT/HTML", PAGE),
        ("text/html;level=1;q=0.4", PAGE),
        ("application/json;q=0.1, text/html;q=0.9", PAGE),
        ("text/html;q=two", PROBLEM),
        ("", PAGE),
        (",,,", PAGE),
        ("*/*;q=0", PAGE),
        ("text/html" * 2_000, PAGE),
        ("application/json", PROBLEM),
        ("application/JSON;q=1", PROBLEM),
        ("application/json;q=0, */*", PROBLEM),
        ("application/json, text/html;q=0.5", PROBLEM),
        ("image/*", PAGE),
        ("application/json;q=0.5, text/html;q=0.5", PAGE),
        ("text/html;q=2", PROBLEM),
    ],
)
async def test_the_accept_header_decides_the_form_of_an_error(
    msp_setup: MspSetup, admin: Visit, accept: str, kind: str
) -> None:
    answer = await admin.http.get("/clients/nobody/overview", headers={"Accept": accept})
    assert answer.status_code == 404
    api = await admin.http.get("/api/v1/clients/nobody/changes", headers={"Accept": accept})
    assert (api.status_code, api.headers["content-type"]) == (404, "application/problem+json")
    assert answer.headers["content-type"] == kind


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "/\t/evil.example",
        "/%09/evil.example",
        "http:///evil",
        "／／evil.example",
        "/⁄evil.example",
        "javascript:alert(1)",
        "/fleet\r\nSet-Cookie: a=b",
        "//evil.example/%2f..",
        "/\u202e/evil",
        ".evil",
        "/fleet?next=//evil.example",
        "/" * 5_000,
        "///evil.example",
        "@evil.example",
        "/..//evil.example",
        " //evil.example",
        "\x00/fleet",
        "%2f%2fevil.example",
        "/%2fevil.example",
        "/%5cevil.example",
        "/%252fevil.example",
        "data:text/html,x",
        "HTTPS://evil.example",
        "/fleet#//evil.example",
        "/.//evil.example",
        "?//evil.example",
    ],
)
async def test_sign_in_never_redirects_to_another_site(web_app: WebApp, msp_setup: MspSetup, target: str) -> None:
    visit = web_app.visit(msp_setup.host)
    shown = await visit.get(f"/sign-in?next={quote(target, safe='')}")
    assert shown.status_code in {200, 400}
    await visit.get("/sign-in")
    answer = await visit.post("/sign-in", {"email": msp_setup.admin, "password": PASSWORD, "next": target})
    assert answer.status_code in {303, 400, 413}, answer.status_code
    place = answer.headers.get("location", "/")
    assert urlsplit(urljoin(f"http://{msp_setup.host}/sign-in", place)).hostname == msp_setup.host, place
    assert place.startswith("/") and not place.startswith(("//", "/\\")), place  # noqa: PT018
    assert not any(each in place for each in "\r\n\t\\"), place


async def test_repeated_huge_or_malformed_cookies_do_not_sign_in(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    name, value = next((one.name, str(one.value)) for one in admin.http.cookies.jar if "session" in one.name)
    for cookie in (
        f"{name}=x; {name}={value}x",
        f"{name}=" + "a" * 20_000,
        f"{name}",
        f"={value}",
        f'{name}="{value[:-1]}"',
        f"{name}={value[:-2]}",
        f"{name.upper()}={value}",
        "; ".join(f"c{n}=1" for n in range(500)),
        f"{name}=\u00e9\u202e",
    ):
        visit = web_app.visit(msp_setup.host)
        answer = await visit.http.get(
            "/api/v1/clients", headers=[(b"cookie", cookie.encode()), (b"accept", b"application/json")]
        )
        assert answer.status_code in {400, 401, 431}, (cookie[:40], answer.status_code)


async def test_fields_that_a_form_has_twice_do_not_confuse_it(web_app: WebApp, msp_setup: MspSetup) -> None:
    visit = web_app.visit(msp_setup.host)
    await visit.get("/sign-in")
    pairs = [
        ("_csrf_token", visit.token),
        ("email", msp_setup.admin),
        ("email", msp_setup.approver),
        ("password", "wrong wrong wrong"),
        ("password", PASSWORD),
        ("next", ""),
        ("next", "//evil.example"),
    ]
    body = "&".join(f"{name}={quote(value)}" for name, value in pairs)
    answer = await visit.http.post(
        "/sign-in", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code in {303, 400, 401, 403, 422}
    assert not answer.headers.get("location", "/").startswith("//")


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=" + "x" * 300,
        "multipart/form-data; boundary=a\x7f",
        "application/x-www-form-urlencoded; charset=utf-16",
        "text/plain",
        "application/json; charset=latin1",
        "application/x-www-form-urlencoded;;;",
    ],
)
async def test_bodies_of_odd_types_never_fail(msp_setup: MspSetup, admin: Visit, kind: str) -> None:
    await admin.get("/fleet")
    headers = {"Content-Type": kind, "X-CSRF-Token": admin.token}
    for path in ("/retention/defaults", "/sign-in", "/api/v1/api-keys"):
        answer = await admin.http.post(
            path, content=b"--x\r\n\r\n_csrf_token=1&email=%ff&data_class=%00", headers=headers
        )
        assert 300 < answer.status_code < 500 or answer.status_code == 200, (path, answer.status_code)
