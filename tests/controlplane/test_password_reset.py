"""Reset of a forgotten password, from the sign-in page through a mail to a new password."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.controlplane.test_administration import member_of
from tests.controlplane.test_mail import do_work
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_mailbox_services,
    shared_relay_db,
    shared_web_app,
)
from tests.support.web_app import PASSWORD, MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")

_LINK = re.compile(r"http://[^\s<\"]+(/reset-password/[A-Za-z0-9_-]+)")
NEW = "eleven amber kettles hum"


async def request_link(web_app: WebApp, msp_setup: MspSetup, email: str) -> str:
    """The response's text without the form's token."""
    visit = web_app.visit(msp_setup.host)
    await visit.get("/forgot-password")
    answer = await visit.post("/forgot-password", {"email": email})
    return f"{answer.status_code} " + re.sub(r'value="[^"]*"|[A-Za-z0-9_-]{80,}', "", answer.text)


async def links_to(admin: Visit, env: ClientEnv, email: str) -> list[str]:
    """Links of the mails, newest first."""
    await do_work(env.services, env.msp_account)
    for _ in range(3):
        await do_work(env.services, env.scope)
        await do_work(env.services, env.msp_account)
    mails = (await admin.api("GET", f"/api/v1/mails?search={email}")).json()["items"]
    texts = [(await admin.api("GET", f"/api/v1/mails/{one['id']}/text")).json() for one in mails]
    return [found[1] for one in texts if (found := _LINK.search(one["text"]))]


async def choose(visit: Visit, link: str, password: str = NEW) -> int:
    await visit.get(link)
    return (await visit.post(link, {"password": password, "again": password})).status_code


async def test_a_member_chooses_a_new_password_once_and_all_sessions_end(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv
) -> None:
    before = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert "Forgot your password?" in (await web_app.visit(msp_setup.host).get("/sign-in")).text
    await request_link(web_app, msp_setup, msp_setup.approver.upper())
    (link,) = await links_to(admin, env, msp_setup.approver)
    visit = web_app.visit(msp_setup.host)
    for _ in range(3):
        assert (await visit.get(link)).status_code == 200
    assert await choose(visit, link, "short") == 422
    await visit.get(link)
    answer = await visit.post(link, {"password": NEW, "again": NEW})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?reset=1")
    assert (await visit.get(link)).status_code == 410
    assert (await visit.post(link, {"password": PASSWORD, "again": PASSWORD})).status_code in {403, 410}
    overview = f"/clients/{msp_setup.slug}/overview"
    assert (await before.get(overview)).status_code == 303
    await visit.get("/sign-in")
    wrong = await visit.post("/sign-in", {"email": msp_setup.approver, "password": PASSWORD, "next": ""})
    assert wrong.status_code == 401
    right = await visit.post("/sign-in", {"email": msp_setup.approver, "password": NEW, "next": ""})
    assert right.status_code == 303
    await links_to(admin, env, msp_setup.approver)
    kinds = [one["kind"] for one in (await admin.api("GET", "/api/v1/mails")).json()["items"]]
    assert kinds == ["password_changed", "password_reset"]
    async with env.services.db.transaction(env.scope) as session:
        assert await session.scalar(text("SELECT count(*) FROM password_reset")) == 0
        actions = set(await session.scalars(text("SELECT action FROM audit_entry")))
    assert {"password_reset.sent", "password_reset.refused", "member.password_set"} <= actions


async def test_the_answer_does_not_disclose_whether_an_address_is_known(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    stranger = await set_up_msp(other_env, name="Far Shore")
    answers = {
        await request_link(web_app, msp_setup, email)
        for email in (msp_setup.approver, "nobody@example.test", "no address", "", stranger.admin)
    }
    assert len(answers) == 1
    assert "200" in answers.pop()
    assert await links_to(admin, env, stranger.admin) == []
    assert len(await links_to(admin, env, msp_setup.approver)) == 1
    async with env.services.db.transaction(env.msp_account) as session:
        jobs = " ".join(await session.scalars(text("SELECT payload::text FROM job")))
    assert "nobody" not in jobs


async def test_requests_are_limited_per_network_and_member(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv
) -> None:
    for email in (msp_setup.approver, "nobody@example.test"):
        answers = [await request_link(web_app, msp_setup, email) for _ in range(7)]
        assert (answers[0][:3], answers[-1][:3]) == ("200", "429")
    assert len(await links_to(admin, env, msp_setup.approver)) == 1


async def test_a_link_expires_and_a_newer_one_replaces_it(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv
) -> None:
    await request_link(web_app, msp_setup, msp_setup.approver)
    (first,) = await links_to(admin, env, msp_setup.approver)

    async def age(by: timedelta) -> None:
        async with env.services.db.transaction(env.scope) as session:
            await session.execute(
                text("UPDATE password_reset SET created_at = created_at - :by, expires_at = expires_at - :by"),
                {"by": by},
            )

    await age(timedelta(minutes=3))
    await request_link(web_app, msp_setup, msp_setup.approver)
    newest = (await links_to(admin, env, msp_setup.approver))[0]
    visit = web_app.visit(msp_setup.host)
    assert ((await visit.get(first)).status_code, (await visit.get(newest)).status_code) == (410, 200)
    await age(timedelta(hours=1))
    assert (await visit.get(newest)).status_code == 410


async def test_an_administrator_sends_a_link_without_seeing_it(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    members = f"/clients/{msp_setup.slug}/members"
    member_id = await member_of(admin, msp_setup.approver, f"/api/v1{members}")
    answer = await admin.api("POST", f"/api/v1{members}/{member_id}/password-reset")
    assert (answer.status_code, "reset-password" in answer.text) == (202, False)
    await admin.get(f"{members}/{member_id}")
    assert (await admin.post(f"{members}/{member_id}/password-reset")).status_code == 303
    assert len(await links_to(admin, env, msp_setup.approver)) == 1
    stranger = await set_up_msp(other_env, name="Far Shore")
    other = await web_app.signed_in(stranger.host, stranger.admin)
    for path in (f"/api/v1{members}", f"/api/v1/clients/{stranger.slug}/members", "/api/v1/members"):
        assert (await other.api("POST", f"{path}/{member_id}/password-reset")).status_code == 404
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.api("POST", f"/api/v1{members}/{member_id}/password-reset")).status_code == 403
