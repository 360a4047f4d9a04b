"""Notifications of a trading partner: about its own channel only, to its own members only."""

import pytest
import pytest_asyncio

from canonical.elements import PRICE, STOCK
from canonical.keys import ElementKey
from controlplane.provisioning import NewAccountMember, add_member, add_partner
from foundation.clock import utc_now
from foundation.ids import new_id
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import open_exceptions
from governance.exceptions.rows import NewException
from governance.messages import exceptions as messages
from governance.messages.parameters import about
from tenants.notifications.kinds import kinds_for
from tests.controlplane.test_notifications import unread
from tests.support.as_owner import update_as_owner
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import PASSWORD, MspSetup, Visit, WebApp

pytestmark = pytest.mark.asyncio(loop_scope="module")
UPDATED, LATE = ("channel.updated", "channel.late")


@pytest_asyncio.fixture(loop_scope="module")
async def partner(web_app: WebApp, msp_setup: MspSetup, env: ClientEnv) -> Visit:
    """A member of the second channel's partner."""
    ((made,),) = await env.rows("SELECT partner_id FROM partner")
    update_as_owner(env, "connection", "partner_id = %(partner)s", "name = 'market1'", partner=made)
    return await web_app.signed_in(msp_setup.host, msp_setup.partner)


@pytest_asyncio.fixture(loop_scope="module")
async def neighbour(web_app: WebApp, msp_setup: MspSetup, env: ClientEnv) -> Visit:
    """A member of another partner of the same client."""
    other, email = await add_partner(env.services, env.scope, name="Neighbour"), f"{new_id().hex}@example.test"
    await add_member(env.services, env.scope, NewAccountMember(email, "Nat", PASSWORD, "partner", other))
    return await web_app.signed_in(msp_setup.host, email)


async def open_late(env: ClientEnv, channel: str, sku: str) -> None:
    """An exception about a late value, which runs through its jobs."""
    key, connection = ElementKey(sku, PRICE), env.channels[channel]
    late = NewException(
        code=ExceptionType.PROPAGATION_SLO_BREACHED, subject=f"{new_id()}:{connection}",
        message=messages.SLO_BREACHED_PENDING.fill(name=channel, **about(key)), channels=1, key=key,
        connection_id=connection,
    )  # fmt: skip
    async with env.services.db.transaction(env.scope) as session:
        for _ in range(2):  # the second is the same problem again
            await open_exceptions(session, [late], now=utc_now(), new_id=new_id)
    await env.work()


async def test_a_partner_is_notified_of_its_own_channel_and_reads_it(
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, partner: Visit, neighbour: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    await env.deliver(env.change("SKU-001", STOCK, 7))
    await env.work(until="SELECT count(*) = 2 FROM propagation WHERE state = 'verified'")
    await env.work()
    assert await unread(partner, root) == [(UPDATED, 1)]
    await open_late(env, "shop0", "SKU-002")
    assert await unread(partner, root) == [(UPDATED, 1)], "another channel"
    await open_late(env, "market1", "SKU-003")
    assert sorted(await unread(partner, root)) == [(LATE, 1), (UPDATED, 1)]
    assert await unread(neighbour, root) == []
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert not {kind for kind, _ in await unread(approver, root)} & {UPDATED, LATE}

    page = (await partner.get(f"{root}/notifications")).text
    assert "A value of SKU-003 for your channel is late" in page
    assert "Notifications not read: 2" in page
    found = (await partner.api("GET", f"/api/v1{root}/notifications")).json()["items"]
    ids = [one["id"] for one in found]
    assert (await neighbour.get(f"{root}/notifications/{ids[0]}")).status_code == 404
    opened = await partner.get(f"{root}/notifications/{ids[0]}")
    assert opened.headers["location"] == f"{root}/channel"
    assert len(await unread(partner, root)) == 1
    assert (await partner.post(f"{root}/notifications/read")).status_code == 303
    assert await unread(partner, root) == []


async def test_a_partner_chooses_among_its_own_kinds_and_a_suspended_one_gets_none(
    msp_setup: MspSetup, env: ClientEnv, partner: Visit
) -> None:
    address = f"/api/v1/clients/{msp_setup.slug}/notifications/settings"
    shown = (await partner.api("GET", address)).json()
    assert {one["code"] for one in shown["kinds"]} == set(kinds_for(is_partner=True))
    assert "To webhooks" not in (await partner.get(f"/clients/{msp_setup.slug}/notifications/settings")).text
    refused = await partner.api("PUT", address, {"muted": [], "webhook_kinds": [LATE]})
    assert (refused.status_code, refused.json()["field"]) == (422, "webhook_kinds")
    root = f"/clients/{msp_setup.slug}"
    saved = await partner.post(
        f"{root}/notifications/settings",
        {
            "kinds": UPDATED,
            "least_severity": "info",
            "mail": "off",
            "mail_least_severity": "info",
            "digest_at": "07:00",
        },
    )
    assert saved.status_code == 303, saved.text
    assert [one["code"] for one in (await partner.api("GET", address)).json()["kinds"] if not one["muted"]] == [UPDATED]
    await open_late(env, "market1", "SKU-001")
    assert await unread(partner, root) == [], "muted"

    assert (await partner.api("PUT", address, {"muted": []})).status_code == 200
    update_as_owner(env, "partner", "status = 'suspended'", "name LIKE 'Partner %%'")
    await open_late(env, "market1", "SKU-002")
    assert await env.rows("SELECT count(*) FROM notification WHERE kind = :kind", kind=LATE) == [(0,)]


async def test_a_cause_of_a_partner_names_it() -> None:
    assert all(kind.permission == "channel:read" and not kind.staff for kind in kinds_for(is_partner=True).values())
