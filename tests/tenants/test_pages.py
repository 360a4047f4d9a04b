from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.ids import new_id
from tenants.accounts import suspend_client
from tenants.auth.csrf import make_token
from tenants.auth.device_link import LINK_LIFE
from tenants.auth.redirects import safe_next
from tenants.auth.services import AuthServices
from tenants.members.device_links import issue_device_link
from tenants.secrets import new_secret
from tests.tenants.auth.test_sign_in import audited
from tests.tenants.conftest import NOW, PASSWORD, Somebody, Tenant, Ticking
from tests.tenants.web_app import Browser, build_site, give_host, token_of, visiting


@pytest.fixture
async def visitors(auth: AuthServices) -> AsyncIterator[httpx.AsyncClient]:
    async with visiting(build_site(auth)) as client:
        yield client


@pytest.fixture
async def browser(visitors: httpx.AsyncClient, auth: AuthServices, msp: Tenant) -> Browser:
    return await Browser.on_a_host_of(visitors, auth.db, msp)


@pytest.fixture
async def elsewhere(visitors: httpx.AsyncClient, auth: AuthServices, other_msp: Tenant) -> Browser:
    """The same member's browser on the other MSP's host."""
    return await Browser.on_a_host_of(visitors, auth.db, other_msp)


class TestSigningIn:
    async def test_the_page_wears_the_hosts_brand(self, browser: Browser, elsewhere: Browser) -> None:
        for visitor in (browser, elsewhere):
            page = await visitor.get("/sign-in")
            assert page.status_code == 200
            assert f"Brand of {visitor.origin.removeprefix('https://')}" in page.text
            assert page.headers["cache-control"] == "no-store"
            assert "fairlead" not in page.text.lower()
            assert "fairlead" not in str(page.headers).lower()

    async def test_an_unknown_host_is_not_found(self, visitors: httpx.AsyncClient) -> None:
        assert (await Browser(visitors, "https://nobody.example").get("/sign-in")).status_code == 404

    async def test_the_right_password_leads_in_with_a_safe_cookie(self, browser: Browser, ada: Somebody) -> None:
        answer = await browser.sign_in(ada.email, next="/clients/acme/changes?page=2")
        assert (answer.status_code, answer.headers["location"]) == (303, "/clients/acme/changes?page=2")
        (line,) = [line for line in answer.headers.get_list("set-cookie") if line.startswith("__Host-session=")]
        attributes = {part.strip().lower() for part in line.split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax", "path=/", "max-age=604800"} <= attributes
        assert not any(part.startswith("domain") for part in attributes)
        assert set(browser.cookies) == {"__Host-session", "__Host-device"}
        again = await browser.get("/sign-in?next=/approvals")
        assert (again.status_code, again.headers["location"]) == (303, "/approvals")

    async def test_the_browser_is_recognised_after_signing_out_and_not_delayed_by_others(
        self, browser: Browser, visitors: httpx.AsyncClient, ada: Somebody
    ) -> None:
        answer = await browser.sign_in(ada.email)
        (line,) = [line for line in answer.headers.get_list("set-cookie") if line.startswith("__Host-device=")]
        attributes = {part.strip().lower() for part in line.split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax", "path=/", "max-age=15552000"} <= attributes
        await browser.post("/sign-out", {"_csrf_token": ""})
        del browser.cookies["__Host-session"]
        stranger = Browser(visitors, browser.origin)
        for _ in range(5):
            assert (await stranger.sign_in(ada.email, "wrong, quite wrong")).status_code == 401
        assert (await stranger.sign_in(ada.email)).status_code == 429
        assert (await browser.sign_in(ada.email)).status_code == 303

    async def test_a_wrong_password_shows_the_form_again_without_the_password(
        self, browser: Browser, ada: Somebody
    ) -> None:
        answer = await browser.sign_in(ada.email, "wrong, quite wrong", next="/approvals")
        assert answer.status_code == 401
        assert "incorrect" in answer.text
        assert "wrong, quite wrong" not in answer.text
        assert f'value="{ada.email}"' in answer.text
        assert 'name="next" value="/approvals"' in answer.text
        assert "__Host-session" not in browser.cookies
        token = token_of(answer)
        form = {"email": ada.email, "password": PASSWORD, "_csrf_token": token}
        assert (await browser.post("/sign-in", form)).status_code == 303

    async def test_too_many_failures_show_the_time_to_wait(
        self, browser: Browser, ada: Somebody, clock: Ticking
    ) -> None:
        for _ in range(5):
            assert (await browser.sign_in(ada.email, "wrong, quite wrong")).status_code == 401
        answer = await browser.sign_in(ada.email)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert "Wait 1 second" in answer.text
        clock.forward(seconds=1)
        assert (await browser.sign_in(ada.email)).status_code == 303

    async def test_a_device_link_ends_the_wait_in_the_browser_that_opens_it(
        self, *, browser: Browser, elsewhere: Browser, visitors: httpx.AsyncClient, auth: AuthServices, ada: Somebody,
        client: Tenant, clock: Ticking,
    ) -> None:  # fmt: skip
        stranger = Browser(visitors, browser.origin)  # in the same network
        for _ in range(5):
            await stranger.sign_in(ada.email, "wrong, quite wrong")
        assert (await browser.sign_in(ada.email)).status_code == 429
        async with auth.db.transaction(ada.scope) as session:
            _, token = await issue_device_link(session, auth, member_id=ada.id, now=clock())
        assert await audited(auth.db, client, "member.sign_in_unblocked") != []
        assert (await elsewhere.get(f"/sign-in/device/{token}")).status_code == 404, "another MSP's host"
        for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), f"{token}.{token}", "x", "%00", "a" * 5000):
            assert (await browser.get(f"/sign-in/device/{forged}")).status_code in {400, 404}
        assert (await browser.get(f"/sign-in/device/{token}")).status_code == 303
        assert (await browser.sign_in(ada.email, "wrong, quite wrong")).status_code == 401, "it replaces no password"
        assert (await browser.sign_in(ada.email)).status_code == 303
        assert (await stranger.sign_in(ada.email)).status_code == 429
        clock.forward(seconds=LINK_LIFE.total_seconds())
        assert (await stranger.get(f"/sign-in/device/{token}")).status_code == 404, "its hour is over"

    async def test_another_msps_host_accepts_neither_member_nor_cookie(
        self, browser: Browser, elsewhere: Browser, ada: Somebody
    ) -> None:
        assert (await elsewhere.sign_in(ada.email)).status_code == 401
        await browser.sign_in(ada.email)
        elsewhere.cookies |= browser.cookies
        assert (await elsewhere.get("/sign-in")).status_code == 200
        assert (await browser.get("/sign-in")).status_code == 303

    async def test_a_suspended_account_sees_a_notice(self, browser: Browser, auth: AuthServices, ada: Somebody) -> None:
        async with auth.db.transaction(ada.scope) as session:
            await suspend_client(session, reason="unpaid", now=NOW)
        answer = await browser.sign_in(ada.email)
        assert answer.status_code == 403
        assert "suspended" in answer.text

    async def test_signing_in_makes_a_new_session_and_ends_the_old_one(self, browser: Browser, ada: Somebody) -> None:
        token = await browser.form_token()
        visit = dict(browser.cookies)
        form = {"email": ada.email, "password": PASSWORD, "_csrf_token": token}
        await browser.post("/sign-in", form)
        old = dict(browser.cookies)
        browser.cookies |= visit
        await browser.post("/sign-in", form)
        assert browser.cookies["__Host-session"] != old["__Host-session"]
        browser.cookies = old
        assert (await browser.get("/sign-in")).status_code == 200

    async def test_a_planted_session_cookie_is_not_used_by_a_sign_in(self, browser: Browser, ada: Somebody) -> None:
        browser.cookies["__Host-session"] = "A" * 43
        await browser.sign_in(ada.email)
        assert browser.cookies["__Host-session"] != "A" * 43

    @pytest.mark.parametrize("spoil", ["missing", "made up", "another visit", "no cookie"])
    async def test_the_form_is_accepted_from_our_own_page_only(
        self, browser: Browser, visitors: httpx.AsyncClient, ada: Somebody, spoil: str
    ) -> None:
        token = await browser.form_token()
        if spoil == "another visit":
            token = await Browser(visitors, browser.origin).form_token()
        if spoil == "no cookie":
            browser.cookies.clear()
        token = {"missing": "", "made up": "A" * 86}.get(spoil, token)
        form = {"email": ada.email, "password": PASSWORD, "_csrf_token": token}
        answer = await browser.post("/sign-in", form)
        assert answer.status_code == 403
        assert "Reload" in answer.text
        assert "__Host-session" not in browser.cookies

    async def test_another_sites_form_is_refused_even_with_the_token(self, browser: Browser, ada: Somebody) -> None:
        form = {"email": ada.email, "password": PASSWORD, "_csrf_token": await browser.form_token()}
        answer = await browser.post("/sign-in", form, origin="https://evil.example")
        assert answer.status_code == 403
        answer = await browser.post("/sign-in", form, **{"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403

    async def test_without_tls_on_this_machine_cookies_are_plain(
        self, visitors: httpx.AsyncClient, auth: AuthServices, msp: Tenant, ada: Somebody
    ) -> None:
        host = f"demo-{new_id().hex}.localhost"
        await give_host(auth.db, msp, host)
        local = Browser(visitors, f"http://{host}:8080")
        answer = await local.sign_in(ada.email)
        assert answer.status_code == 303
        (line,) = [line for line in answer.headers.get_list("set-cookie") if line.startswith("session=")]
        assert "secure" not in line.lower()
        assert "httponly" in line.lower()
        assert (await local.get("/sign-in")).status_code == 303


class TestSigningOut:
    async def test_it_needs_the_sessions_token_and_ends_the_session(
        self, browser: Browser, auth: AuthServices, client: Tenant, ada: Somebody
    ) -> None:
        await browser.sign_in(ada.email)
        before = dict(browser.cookies)
        assert (await browser.post("/sign-out", {})).status_code == 403
        token = await page_token(auth, browser, ada)
        answer = await browser.post("/sign-out", {"_csrf_token": token}, origin="https://evil.example")
        assert answer.status_code == 403
        answer = await browser.post("/sign-out", {"_csrf_token": token})
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        assert set(browser.cookies) == {"__Host-device"}
        browser.cookies = before
        assert (await browser.get("/sign-in")).status_code == 200
        assert await audited(auth.db, client, "member.signed_out") == [("member.signed_out", f"member:{ada.id}")]

    async def test_another_sessions_token_is_refused(
        self, browser: Browser, visitors: httpx.AsyncClient, auth: AuthServices, ada: Somebody
    ) -> None:
        await browser.sign_in(ada.email)
        second = Browser(visitors, browser.origin)
        await second.sign_in(ada.email)
        token = await page_token(auth, second, ada)
        assert (await browser.post("/sign-out", {"_csrf_token": token})).status_code == 403
        assert (await browser.get("/sign-in")).status_code == 303

    async def test_signing_out_everywhere_ends_all_devices_and_allows_a_new_sign_in(
        self, browser: Browser, visitors: httpx.AsyncClient, auth: AuthServices, client: Tenant, ada: Somebody
    ) -> None:
        await browser.sign_in(ada.email)
        second = Browser(visitors, browser.origin)
        await second.sign_in(ada.email)
        assert (await browser.post("/sign-out-everywhere", {})).status_code == 403
        assert (await second.get("/sign-in")).status_code == 303
        token = await page_token(auth, browser, ada)
        answer = await browser.post("/sign-out-everywhere", {"_csrf_token": token})
        assert (answer.status_code, answer.headers["location"], set(browser.cookies)) == (
            303,
            "/sign-in",
            {"__Host-device"},
        )
        assert (await second.get("/sign-in")).status_code == 200
        noted = await audited(auth.db, client, "member.signed_out_everywhere")
        assert noted == [("member.signed_out_everywhere", f"member:{ada.id}")]

    async def test_sign_in_never_returns_to_the_sign_in_page(self, browser: Browser) -> None:
        assert (await browser.post("/sign-out", {})).headers["location"] == "/sign-in"


async def page_token(auth: AuthServices, browser: Browser, somebody: Somebody) -> str:
    """A token as on a page sent to this browser."""
    cookie = browser.cookies["__Host-session"]
    session = await auth.sessions.find(cookie, msp_id=somebody.scope.msp_id, now=auth.clock())
    assert session is not None
    return make_token(session.secret, new_secret)


class TestWhereItLeads:
    @pytest.mark.parametrize("path", ["/", "/approvals", "/clients/acme/changes?page=2&sort=a,b", "/a//b", "/a%20b"])
    def test_pages_of_this_host_are_fine(self, path: str) -> None:
        assert safe_next(path) == path

    @pytest.mark.parametrize(
        "path",
        [
            "", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil.example",
            "\\\\evil.example", "evil.example", "/a\r\nSet-Cookie: x=y", " /a", "/?next=//x" + "y" * 500, "///x", "/?x",
        ],
    )  # fmt: skip
    def test_everything_else_leads_to_the_start_page(self, path: str) -> None:
        assert safe_next(path) == ""

    @given(st.text(alphabet="/\\?#@:.ab%\t\n ", max_size=12))
    def test_it_never_leaves_the_host(self, path: str) -> None:
        target = safe_next(path)
        assert target in ("", path)
        if target:
            assert httpx.URL("https://portal.example/sign-in").join(target).host == "portal.example"
            assert not target.startswith(("//", "/\\"))
