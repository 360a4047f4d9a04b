"""Acceptance of invitations, on the host where they were created."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import httpx
import pytest

from foundation.ids import new_id
from foundation.scope import Actor
from policy.publishing import assign_role
from tenants.accounts import resume_client, suspend_client
from tenants.auth.services import AuthServices
from tenants.members.invitation_queries import ALL_INVITED, count_waiting, invitation_state, list_invitations
from tenants.members.repository import (
    NewMember,
    create_invite,
    create_member,
    get_member,
    mark_suspended,
    withdraw_invite,
)
from tenants.secrets import new_secret
from tenants.states import InvitationState
from tests.tenants.auth.test_sign_in import audited
from tests.tenants.conftest import NOW, PASSWORD, Somebody, Tenant, Ticking, make_member
from tests.tenants.web_app import Browser, build_site, visiting

EMAIL = "new@example.com"


@pytest.fixture
async def visitors(auth: AuthServices) -> AsyncIterator[httpx.AsyncClient]:
    async with visiting(build_site(auth)) as client:
        yield client


@pytest.fixture
async def browser(visitors: httpx.AsyncClient, auth: AuthServices, msp: Tenant) -> Browser:
    return await Browser.on_a_host_of(visitors, auth.db, msp)


async def inviter(auth: AuthServices, tenant: Tenant) -> UUID:
    """An administrator of the account."""
    nora = await make_member(auth.db, auth.passwords, tenant, f"nora-{new_id().hex}@example.com")
    role = "client_admin" if tenant.scope.tenant_id != tenant.scope.msp_id else "msp_admin"
    async with auth.db.transaction(tenant.scope) as session:
        await assign_role(session, tenant.scope, member_id=nora.id, role=role, clock=auth.clock, new_id=new_id)
    return nora.id


async def invite(auth: AuthServices, tenant: Tenant, email: str = EMAIL) -> str:
    """An invitation by a member called Nora Lind."""
    member_id = new_id()
    nora = await inviter(auth, tenant)
    scope = replace(tenant.scope, actor=Actor(kind="member", id=str(nora), name="Nora Lind"))
    async with auth.db.transaction(scope) as session:
        await create_member(session, NewMember(member_id, email, "Ana Reyes"), now=NOW)
        role = "client_viewer" if scope.tenant_id != scope.msp_id else "msp_operator"
        await assign_role(session, scope, member_id=member_id, role=role, clock=auth.clock, new_id=new_id)
        return f"/welcome/{await create_invite(session, new_secret, member_id=member_id, now=auth.clock())}"


def invited(path: str) -> UUID:
    return UUID(path.removeprefix("/welcome/")[32:64])


async def accept(browser: Browser, path: str, **change: str) -> httpx.Response:
    token = await browser.form_token("/sign-in" if "__Host-session" not in browser.cookies else path)
    return await browser.post(path, {"password": PASSWORD, "again": PASSWORD, "_csrf_token": token} | change)


class TestTheLink:
    @pytest.fixture
    async def link(self, auth: AuthServices, client: Tenant) -> str:
        return await invite(auth, client)

    async def test_the_page_names_inviter_and_invited_and_viewing_does_not_redeem(
        self, browser: Browser, link: str
    ) -> None:
        for _ in range(6):
            page = await browser.get(link)
            assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        shown = " ".join(page.text.split())
        assert "Nora Lind has invited you to Acme" in shown
        assert "Welcome, Ana Reyes" in shown
        assert f'value="{EMAIL}"' in shown
        assert (await accept(browser, link)).status_code == 303

    async def test_a_password_is_chosen_once_and_the_member_is_in(
        self, browser: Browser, auth: AuthServices, client: Tenant, link: str, clock: Ticking
    ) -> None:
        clock.forward(hours=1)
        answer = await accept(browser, link)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert set(browser.cookies) == {"__Host-session", "__Host-device"}
        assert (await browser.get("/sign-in")).headers["location"] == "/"
        async with auth.db.transaction(client.scope) as session:
            member = await get_member(session, invited(link))
        assert (member.accepted_at, member.last_seen_at, member.invite_hash) == (clock.now, clock.now, None)
        assert invitation_state(member, clock.now) is InvitationState.ACCEPTED
        browser.cookies.clear()
        assert (await browser.get(link)).status_code == 410
        assert (await accept(browser, link)).status_code == 410
        assert (await browser.sign_in(EMAIL)).status_code == 303
        subject = f"member:{member.id}"
        for prefix, actions in (
            ("sign_in", ["sign_in.succeeded"] * 2),
            ("member", ["created", "invited", "password_set", "invitation_refused"]),
        ):
            wanted = [(action if "." in action else f"member.{action}", subject) for action in actions]
            assert [one for one in await audited(auth.db, client, prefix) if one[1] == subject] == wanted

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"again": "something else entirely"}, (422, "not the same")),
            ({"password": "short", "again": "short"}, (422, "12 to 200")),
            ({"password": "acme acme acme", "again": "acme acme acme"}, (422, "easy to guess")),
            ({"password": "Northwind-2026", "again": "Northwind-2026"}, (422, "easy to guess")),
            ({"password": "ana.reyes.2026", "again": "ana.reyes.2026"}, (422, "easy to guess")),
            ({"password": "password1234", "again": "password1234"}, (422, "it is common")),
            ({"_csrf_token": ""}, (403, "Reload")),
        ],
    )
    async def test_errors_are_shown_in_the_form_and_the_link_stays_valid(
        self, browser: Browser, link: str, change: dict[str, str], expected: tuple[int, str]
    ) -> None:
        answer = await accept(browser, link, **change)
        status, sentence = expected
        assert answer.status_code == status
        assert sentence in answer.text
        assert PASSWORD not in answer.text
        assert "__Host-session" not in browser.cookies
        assert (await accept(browser, link)).status_code == 303

    async def test_from_another_site_it_is_refused(self, browser: Browser, link: str) -> None:
        form = {"password": PASSWORD, "again": PASSWORD, "_csrf_token": await browser.form_token(link)}
        assert (await browser.post(link, form, origin="https://evil.example")).status_code == 403
        assert (await browser.post(link, form)).status_code == 303

    async def test_it_runs_out_and_can_be_withdrawn(
        self, browser: Browser, auth: AuthServices, client: Tenant, link: str, clock: Ticking
    ) -> None:
        clock.forward(days=7)
        assert (await browser.get(link)).status_code == 410
        clock.forward(seconds=-1)
        assert (await browser.get(link)).status_code == 200
        async with auth.db.transaction(client.scope) as session:
            await withdraw_invite(session, member_id=invited(link), now=clock.now)
        assert (await browser.get(link)).status_code == 410
        assert (await accept(browser, link)).status_code == 410

    async def test_a_link_of_another_msp_is_refused(
        self, browser: Browser, auth: AuthServices, foreigner: Tenant
    ) -> None:
        theirs = await invite(auth, foreigner)
        assert (await browser.get(theirs)).status_code == 410
        assert (await accept(browser, theirs)).status_code == 410
        assert (await browser.get("/welcome/nonsense")).status_code == 410
        assert await audited(auth.db, foreigner, "member.invitation_refused") == []

    async def test_a_link_renamed_to_another_tenant_is_refused(
        self, browser: Browser, sibling: Tenant, link: str
    ) -> None:
        token = link.removeprefix("/welcome/")
        assert (await browser.get(f"/welcome/{sibling.scope.tenant_id.hex}{token[32:]}")).status_code == 410

    async def test_while_the_client_is_suspended_it_waits(
        self, browser: Browser, auth: AuthServices, client: Tenant, link: str
    ) -> None:
        async with auth.db.transaction(client.scope) as session:
            await suspend_client(session, reason="unpaid", now=NOW)
        assert (await browser.get(link)).status_code == 403
        assert (await accept(browser, link)).status_code == 403
        async with auth.db.transaction(client.scope) as session:
            await resume_client(session, auth, reason="paid", now=NOW)
        assert (await accept(browser, link)).status_code == 303

    async def test_guessing_is_slowed_down_like_signing_in_and_others_are_not(
        self, browser: Browser, auth: AuthServices, client: Tenant, link: str, clock: Ticking
    ) -> None:
        wrong, other = f"{link[:-43]}{'A' * 43}", await invite(auth, client, "other@example.com")
        assert [(await browser.get(wrong)).status_code for _ in range(6)] == [410] * 5 + [429]
        assert (await browser.get(link)).status_code == 429
        assert (await browser.get(other)).status_code == 200
        clock.forward(seconds=1)
        assert (await browser.get(link)).status_code == 200

    async def test_a_signed_in_member_is_warned_and_signed_out(
        self, browser: Browser, ada: Somebody, link: str
    ) -> None:
        await browser.sign_in(ada.email)
        before = dict(browser.cookies)
        page = await browser.get(link)
        assert "signed in as Ada Lovelace" in page.text
        assert (await accept(browser, link)).status_code == 303
        assert browser.cookies["__Host-session"] != before["__Host-session"]
        browser.cookies = before
        assert (await browser.get("/sign-in")).status_code == 200

    async def test_a_password_link_is_labelled_as_one_and_creates_no_membership(
        self, browser: Browser, auth: AuthServices, client: Tenant, ada: Somebody
    ) -> None:
        async with auth.db.transaction(client.scope) as session:
            token = await create_invite(session, new_secret, member_id=ada.id, now=NOW)
        page = await browser.get(f"/welcome/{token}")
        assert "Choose a new password" in page.text
        assert "invited" not in page.text
        assert (await accept(browser, f"/welcome/{token}")).status_code == 303
        async with auth.db.transaction(client.scope) as session:
            member = await get_member(session, ada.id)
        assert (member.invited_at, member.accepted_at) == (None, None)
        assert invitation_state(member, NOW) is None

    async def test_it_leads_into_the_msp_account_too(self, browser: Browser, auth: AuthServices, msp: Tenant) -> None:
        link = await invite(auth, msp)
        assert "to Northwind Managed." in " ".join((await browser.get(link)).text.split())
        assert (await accept(browser, link)).status_code == 303


class TestWhereItStands:
    async def test_it_is_listed_newest_first_and_only_with_its_own(
        self, auth: AuthServices, client: Tenant, sibling: Tenant, foreigner: Tenant, clock: Ticking
    ) -> None:
        links = [await invite(auth, client, f"{name}@example.com") for name in ("a", "b", "c")]
        for other in (sibling, foreigner):
            await invite(auth, other)
        async with auth.db.transaction(client.scope) as session:
            await withdraw_invite(session, member_id=invited(links[0]), now=NOW)
            await mark_suspended(session, member_id=invited(links[1]), reason="slip", now=NOW)
        async with auth.db.transaction(client.scope) as session:
            first = await list_invitations(session, ALL_INVITED.with_limit(1))
            listed = (await list_invitations(session)).items
            assert [member.email[0] for member in listed] == ["c", "b", "a"]
            states = [invitation_state(member, clock.now) for member in listed]
            assert states == [InvitationState.WAITING, InvitationState.WITHDRAWN, InvitationState.WITHDRAWN]
            assert await count_waiting(session, now=clock.now) == 1
            clock.forward(days=7)
            assert invitation_state(listed[0], clock.now) is InvitationState.EXPIRED
            assert await count_waiting(session, now=clock.now) == 0
            assert first.next_cursor is not None
            earlier = await list_invitations(session, ALL_INVITED.after(first.next_cursor, limit=5))
            assert [member.email[0] for member in earlier.items] == ["b", "a"]
