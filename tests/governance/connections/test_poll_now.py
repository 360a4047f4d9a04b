"""Reading of a polled source at once: idempotent, at most every ten seconds, and not while it is paused."""

from datetime import timedelta

import pytest

from connectors.poll_job import POLL, poll_lane, schedule_poll
from foundation.clock import utc_now
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.lanes import connection_lane
from foundation.jobs.models import Lane
from tests.support.as_owner import update_as_owner
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_source_is_read_at_once_and_not_again_within_seconds(
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, admin: Visit, other_env: ClientEnv
) -> None:
    page = f"/clients/{msp_setup.slug}/connections/{env.erp}"
    never = await admin.api("POST", f"/api/v1{page}/poll")
    assert (never.status_code, "is not polled" in never.text) == (409, True)
    async with env.services.db.transaction(env.scope) as session:
        await schedule_poll(session, env.erp, at=utc_now() + timedelta(hours=1))
    await env.work()
    assert await env.rows("SELECT count(*) FROM poll_cursor") == [(0,)]
    assert "Read now" in (await admin.get(page)).text
    assert (await admin.post(f"{page}/poll")).status_code == 303
    assert (await admin.api("POST", f"/api/v1{page}/poll")).status_code == 204
    timers = "SELECT due_at <= clock_timestamp() FROM timer WHERE name = :lane"
    assert await env.rows(timers, lane=poll_lane(env.erp)) == [(True,)]
    await env.work()
    assert await env.rows("SELECT count(*) FROM poll_cursor") == [(1,)]
    again = await admin.api("POST", f"/api/v1{page}/poll")
    assert (again.status_code, "a few seconds ago" in again.text) == (429, True)
    refused = await admin.post(f"{page}/poll")
    assert (refused.status_code, "a few seconds ago" in refused.text) == (429, True)
    update_as_owner(env, "poll_cursor", "polled_at = polled_at - interval '11 seconds'")
    assert (await admin.api("POST", f"/api/v1{page}/poll")).status_code == 204

    assert (await admin.api("POST", f"/api/v1{page}/pause")).status_code == 204
    assert (await admin.api("POST", f"/api/v1{page}/poll")).status_code == 409
    other = await set_up_msp(other_env, name="Elsewhere")
    stranger = await web_app.signed_in(other.host, other.admin)
    theirs = f"/api/v1/clients/{other.slug}/connections/{env.erp}/poll"
    assert (await stranger.api("POST", theirs)).status_code == 404
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.api("POST", f"/api/v1{page}/poll")).status_code == 403


async def test_a_poll_that_waits_is_the_one_that_runs_and_deliveries_keep_their_pause(
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, admin: Visit
) -> None:
    lane, push = poll_lane(env.erp), connection_lane("push", env.erp)
    later = "clock_timestamp() + interval '1 hour'"
    async with env.services.db.transaction(env.scope) as session:
        await schedule_poll(session, env.erp, at=utc_now() + timedelta(hours=1))
        enqueue(session, [NewJob(lane, POLL, lane), NewJob(push, POLL, push)])
        session.add_all([Lane(**env.own, name=name) for name in (lane, push)])
    update_as_owner(env, "timer", "due_at = NULL", "name = %(lane)s", lane=lane)
    update_as_owner(env, "job", f"delayed = true, ready_at = {later}", "lane LIKE %(of)s", of=f"%/{env.erp}")
    update_as_owner(env, "lane", f"paused_until = {later}", "name LIKE %(of)s", of=f"%/{env.erp}")
    page = f"/clients/{msp_setup.slug}/connections/{env.erp}"
    await admin.get(page)
    assert (await admin.api("POST", f"/api/v1{page}/poll")).status_code == 204
    assert await env.rows("SELECT due_at FROM timer WHERE name = :lane", lane=lane) == [(None,)]
    waits = "SELECT ready_at > clock_timestamp() FROM job WHERE lane = :lane"
    assert await env.rows(waits, lane=lane) == [(False,)]
    assert await env.rows(waits, lane=push) == [(True,)]
    assert await env.rows("SELECT name FROM lane WHERE paused_until IS NOT NULL AND name LIKE '%/%'") == [(push,)]
