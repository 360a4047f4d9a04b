"""After an expired session, sign-in returns to a complete page with a notice, and no input is lost."""

from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
import pytest_asyncio
from litestar.handlers import HTTPRouteHandler

from foundation.ids import new_id
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import PASSWORD, MspSetup, Visit, WebApp

pytestmark = pytest.mark.asyncio(loop_scope="module")


def fragments(web_app: WebApp) -> list[str]:
    return sorted(
        route.path_format
        for route in web_app.app.routes
        for handler in getattr(route, "route_handlers", ())
        if isinstance(handler, HTTPRouteHandler) and handler.opt.get("fragment") and not handler.opt.get("any_page")
    )


def next_of(location: str) -> str:
    parts = urlsplit(location)
    assert parts.path == "/sign-in"
    assert parse_qs(parts.query).get("expired") == ["1"]
    return parse_qs(parts.query, keep_blank_values=True)["next"][0]


@pytest_asyncio.fixture(loop_scope="module")
async def ended(web_app: WebApp, msp_setup: MspSetup, admin: Visit) -> Visit:
    """A visitor whose sessions were all ended while a page is open."""
    await admin.post("/sign-out-everywhere")
    admin.http.cookies.set("session", "A" * 43, domain=msp_setup.host)
    return admin


@pytest_asyncio.fixture(loop_scope="module")
async def dropped(ended: Visit) -> Visit:
    """A visitor whose browser dropped the cookie when the session expired."""
    for name in [cookie.name for cookie in ended.http.cookies.jar if cookie.name == "session"]:
        ended.http.cookies.delete(name)
    return ended


async def test_a_cookie_that_ended_with_its_session_is_an_expired_session_too(
    msp_setup: MspSetup, dropped: Visit
) -> None:
    page = f"/clients/{msp_setup.slug}/members/{UUID(int=1)}"
    late = await dropped.post(f"{page}/suspend", {"reason": "x"}, headers={"Referer": f"http://{msp_setup.host}{page}"})
    assert next_of(late.headers["location"]) == page
    assert (
        next_of((await dropped.get("/fleet/rows", headers={"HX-Request": "true"})).headers["hx-redirect"]) == "/fleet"
    )
    anew = await dropped.get("/fleet")
    assert anew.headers["location"] == "/sign-in?next=%2Ffleet"


async def test_every_part_that_polls_leads_back_to_its_page(web_app: WebApp, msp_setup: MspSetup, ended: Visit) -> None:
    known = fragments(web_app)
    assert {"/fleet/rows", "/clients/{client}/overview/flow", "/clients/{client}/approvals/waiting"} <= set(known)
    for address in known:
        named = dict.fromkeys(("change_id", "baseline_id", "connection_id", "replay_id", "exception_id"), new_id())
        path = address.format(client=msp_setup.slug, **named)
        page = path.rpartition("/")[0]
        shown = f"http://{msp_setup.host}{page}?tab=answered"
        answers = [
            await ended.get(path, headers={"HX-Request": "true", "HX-Current-URL": shown}),
            await ended.get(path, headers={"HX-Request": "true"}),
            await ended.get(f"{path}?cursor=x"),
        ]
        places = [a.headers.get("hx-redirect") or a.headers["location"] for a in answers]
        assert [next_of(place) for place in places] == [f"{page}?tab=answered", page, f"{page}?cursor=x"]
        signing_in = await ended.get("/sign-in", params={"next": path})
        assert f'name="next" value="{page}"' in signing_in.text


async def test_a_dialog_leads_back_to_the_page_that_shows_it(msp_setup: MspSetup, ended: Visit) -> None:
    shown = {"HX-Request": "true", "HX-Current-URL": f"http://{msp_setup.host}/fleet?span=x"}
    for path in ("/search", f"/clients/{msp_setup.slug}/search"):
        assert next_of((await ended.get(f"{path}?q=a", headers=shown)).headers["hx-redirect"]) == "/fleet?span=x"
        assert next_of((await ended.get(f"{path}?q=a")).headers["location"]) == "/"


async def test_a_form_sent_too_late_leads_back_to_its_page(web_app: WebApp, msp_setup: MspSetup, ended: Visit) -> None:
    page = f"/clients/{msp_setup.slug}/members/{UUID(int=1)}"
    late = await ended.post(f"{page}/suspend", {"reason": "x"}, headers={"Referer": f"http://{msp_setup.host}{page}"})
    assert (late.status_code, next_of(late.headers["location"])) == (303, page)
    elsewhere = await ended.post(f"{page}/suspend", {"reason": "x"}, headers={"Referer": "http://evil.example/a"})
    assert next_of(elsewhere.headers["location"]) == ""
    foreign = {"HX-Request": "true", "HX-Current-URL": "http://evil.example/clients/x"}
    assert next_of((await ended.get("/fleet/rows", headers=foreign)).headers["hx-redirect"]) == "/fleet"


async def test_the_sign_in_page_explains_and_returns_to_the_page(
    web_app: WebApp, msp_setup: MspSetup, ended: Visit
) -> None:
    place = (await ended.get("/fleet/rows", headers={"HX-Request": "true"})).headers["hx-redirect"]
    page = await ended.get(place)
    assert "Session expired" in page.text
    assert "Session expired" not in (await web_app.visit(msp_setup.host).get("/sign-in")).text
    form = {"email": msp_setup.admin, "password": PASSWORD, "next": "/fleet/rows?span=x"}
    landed = await ended.post("/sign-in", form)
    assert (landed.status_code, landed.headers["location"]) == (303, "/fleet?span=x")


async def test_a_part_is_never_all_that_a_browser_shows(web_app: WebApp, msp_setup: MspSetup, admin: Visit) -> None:
    visited = {"Sec-Fetch-Dest": "document"}
    gone = await admin.get(f"/clients/{msp_setup.slug}/overview/flow", headers=visited)
    assert (gone.status_code, gone.headers["location"]) == (303, f"/clients/{msp_setup.slug}/overview")
    assert (
        await admin.get(f"/clients/{msp_setup.slug}/overview/flow", headers={"HX-Request": "true"})
    ).status_code == 200


async def test_a_first_visit_mentions_no_expired_session(web_app: WebApp, msp_setup: MspSetup) -> None:
    answer = await web_app.visit(msp_setup.host).get("/fleet")
    assert answer.headers["location"] == "/sign-in?next=%2Ffleet"


@pytest.mark.parametrize("target", ["/sign-in", "/sign-in?next=/x", "/sign-out", "/welcome/abc", "//evil.example"])
async def test_signing_in_never_leads_to_where_one_signs_in_or_out(
    web_app: WebApp, msp_setup: MspSetup, target: str
) -> None:
    page = await web_app.visit(msp_setup.host).get("/sign-in", params={"next": target})
    assert 'name="next"' not in page.text
