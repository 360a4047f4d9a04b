"""Change of a member's own password: with the present one, ending other sessions, links and old proofs."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from foundation.errors import Unavailable
from tenants.auth.sessions import SessionStore
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_env,
    own_msp_setup,
    shared_mailbox_services,
    shared_relay_db,
    shared_web_app,
)
from tests.support.web_app import PASSWORD, MspSetup, WebApp

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = "/settings/security/password"
NEW = "nine grey herons at the weir"


async def test_the_password_is_changed_and_other_sessions_end(
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv
) -> None:
    email = msp_setup.approver
    elsewhere, here = [await web_app.signed_in(msp_setup.host, email) for _ in range(2)]
    assert PAGE in (await here.get("/settings/security")).text
    await here.get(PAGE)
    wrong = await here.post(PAGE, {"present": "no", "password": NEW, "again": NEW})
    assert (wrong.status_code, "This is not your current password." in wrong.text) == (401, True)
    weak = await here.post(PAGE, {"present": PASSWORD, "password": "short", "again": "short"})
    assert (weak.status_code, "A password has" in weak.text) == (422, True)
    changed = await here.post(PAGE, {"present": PASSWORD, "password": NEW, "again": NEW})
    assert changed.headers["location"] == "/settings/security", changed.text
    assert (await here.get("/settings/security")).status_code == 200
    assert (await elsewhere.get("/settings/security")).headers["location"].startswith("/sign-in")

    stale = await web_app.visit(msp_setup.host).sign_in(email)
    assert stale.status_code == 401
    guest = web_app.visit(msp_setup.host)
    await guest.get("/sign-in")
    signed_in = await guest.post("/sign-in", {"email": email, "password": NEW, "next": ""})
    assert signed_in.status_code == 303
    async with env.services.db.transaction(env.scope) as session:
        assert list(await session.scalars(text("SELECT kind FROM mail"))) == ["password_changed"]


async def test_nothing_is_changed_while_other_sessions_cannot_be_ended(
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, later = [await web_app.signed_in(msp_setup.host, msp_setup.approver) for _ in range(2)]
    await here.get(PAGE)

    async def unreachable(*_: object) -> int:
        raise Unavailable("The session store is not responding.")

    with monkeypatch.context() as away:
        away.setattr(SessionStore, "end_others", unreachable)
        refused = await here.post(PAGE, {"present": PASSWORD, "password": NEW, "again": NEW})
    assert refused.status_code == 503
    async with env.services.db.transaction(env.scope) as session:
        assert list(await session.scalars(text("SELECT kind FROM mail"))) == []
    await here.get(PAGE)
    assert (await here.post(PAGE, {"present": PASSWORD, "password": NEW, "again": NEW})).status_code == 303
    assert (await later.get("/settings/security")).headers["location"].startswith("/sign-in")


async def test_an_old_proof_of_identity_is_not_enough(web_app: WebApp, msp_setup: MspSetup) -> None:
    visit = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    await visit.get(PAGE)
    auth = web_app.services.auth
    clock = auth.clock
    object.__setattr__(auth, "clock", lambda: clock() + timedelta(hours=1))
    try:
        asked = [await visit.get(PAGE), await visit.post(PAGE, {"present": PASSWORD, "password": NEW, "again": NEW})]
    finally:
        object.__setattr__(auth, "clock", clock)
    assert {one.headers["location"] for one in asked} == {f"/confirm?next={PAGE}"}
    assert (await web_app.visit(msp_setup.host).get(PAGE)).headers["location"] == f"/sign-in?next={PAGE}"
