"""Deliveries of notifications outside the app: mails at once and in summaries, quiet hours, and events for webhooks."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import select, text

from canonical.elements import PRICE
from foundation.jobs.enqueue import NewJob, enqueue, set_timer
from foundation.jobs.registry import JobHandler, JobRegistry
from foundation.jobs.worker import LaneWorker
from foundation.scope import Scope
from policy.cache import PolicyCache
from tenants.mail.mail_types import read_entries
from tenants.mail.mailer import Mailer
from tenants.mail.models import Mail
from tenants.notifications.job_types import LANE, NOTIFY, SEND_NOTICES, NotifyMembers
from tenants.notifications.mail_job import NoticeMails, send_notices_handler
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
from tests.support.web_app import PASSWORD, MspSetup, Visit, WebApp, set_up_msp
from tests.support.webhook_receiver import webhook_receiver

pytestmark = pytest.mark.asyncio(loop_scope="module")

LATER = timedelta(days=2)


@pytest_asyncio.fixture(loop_scope="module")
async def approver(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    return await web_app.signed_in(msp_setup.host, msp_setup.approver)


async def choose(visit: Visit, root: str, **body: object) -> None:
    answer = await visit.api("PUT", f"/api/v1{root}/notifications/settings", {"muted": [], **body})
    assert answer.status_code == 200, answer.text


async def propose(env: ClientEnv, *skus: str) -> None:
    """Propose prices without a known cost, each of which needs approval."""
    for sku in skus:
        await env.deliver(env.change(sku, PRICE, 1000))
        await env.work(settle=0.5)


async def repeat(env: ClientEnv, payload: NotifyMembers) -> None:
    async with env.services.db.transaction(env.scope) as session:
        enqueue(session, [NewJob(LANE, NOTIFY, key=payload.kind, payload=payload)])
    await env.work(settle=0.5)


def quiet_now() -> dict[str, str]:
    """Quiet hours from two hours ago, for 14 hours."""
    now = datetime.now(UTC)
    return {name: (now + timedelta(hours=hours)).strftime("%H:%M") for name, hours in
            (("quiet_from", -2), ("quiet_until", 12))}  # fmt: skip


async def rung(visit: Visit, root: str) -> int:
    """The number at the bell."""
    found = re.search(r"not read: (\d+)", (await visit.get(f"{root}/notifications")).text)
    return 0 if found is None else int(found[1])


async def mail_at(env: ClientEnv, scope: Scope, at: datetime) -> None:
    """Run the job that mails an account's notifications as if it were `at`."""
    services = env.services
    async with services.db.transaction(scope) as session:
        due_at = datetime(2020, 1, 1, tzinfo=UTC)
        await set_timer(session, name=SEND_NOTICES.name, lane=LANE, job_type=SEND_NOTICES, due_at=due_at)
    async with env.relay_db.transaction(None) as session:
        await session.execute(text("SELECT timers_fire()"))
    needs = NoticeMails(services.get(PolicyCache), services.get(Mailer), lambda: at)
    handlers = JobRegistry([JobHandler(SEND_NOTICES, send_notices_handler(needs))])
    worker = LaneWorker(
        services.db, services.ready_queue, handlers, pool="shared", metrics=services.lane_metrics, lease=60.0
    )
    await worker.run_lane(scope.msp_id, scope.tenant_id, LANE)


async def mails(env: ClientEnv, scope: Scope) -> list[tuple[str, str, dict[str, str]]]:
    """Kind, recipient and content of an account's mails, the oldest first."""
    async with env.services.db.transaction(scope) as session:
        rows = (await session.scalars(select(Mail).where(Mail.tenant_id == scope.tenant_id).order_by(Mail.id))).all()
        opened = [await env.services.get(Mailer).open_content(session, row) for row in rows]
    return [(row.kind, row.recipient, content) for row, content in zip(rows, opened, strict=True)]


async def test_a_mail_at_once_leads_to_the_page_after_sign_in_and_is_not_repeated_within_an_hour(
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, admin: Visit, approver: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    await choose(approver, root, mail="at_once")
    await choose(admin, "", mail="at_once", mail_least_severity="critical")
    await propose(env, "SKU-001")
    [(kind, recipient, content)] = await mails(env, env.scope)
    assert (kind, recipient) == ("notice", msp_setup.approver)
    assert content["notice"] == "A value of SKU-001 needs approval"
    assert await mails(env, env.msp_account) == []  # less severe than the admin wants

    path = content["link"].partition(msp_setup.host)[2]
    assert path.startswith(f"{root}/approvals/")
    visit = web_app.visit(msp_setup.host)
    asked = await visit.get(path)
    assert asked.status_code == 303
    assert "SKU-001" in (await approver.get(path)).text  # opening it answered nothing
    await visit.get(asked.headers["location"])
    signed_in = await visit.post("/sign-in", {"email": msp_setup.approver, "password": PASSWORD, "next": path})
    assert signed_in.headers["location"] == path

    async with env.services.db.transaction(env.scope) as session:
        sent = (await session.execute(text("SELECT subject, params FROM notification_delivery"))).one()
    again = NotifyMembers("approval.waiting", "approvals", sent.subject.removeprefix(root), datetime.now(UTC))
    await repeat(env, again)
    assert len(await mails(env, env.scope)) == 1
    ((due,),) = await env.rows("SELECT due_at FROM notification_delivery WHERE done_at IS NULL")
    assert isinstance(due, datetime)
    await mail_at(env, env.scope, due)
    assert len(await mails(env, env.scope)) == 2


async def test_a_summary_has_one_line_for_each_thing_but_not_for_what_was_read(
    msp_setup: MspSetup, env: ClientEnv, approver: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    await choose(approver, root, mail="daily", mail_kinds={"exception.opened": "off"})
    await propose(env, "SKU-001", "SKU-002")
    now = datetime.now(UTC)
    await repeat(env, NotifyMembers("policy.drafted", "draft", "/policy/draft", now))
    assert await mails(env, env.scope) == []
    await mail_at(env, env.scope, now + LATER)
    [(kind, _, content)] = await mails(env, env.scope)
    listed = {one.text: one.link.partition(msp_setup.host)[2] for one in read_entries(content.get("entries", "[]"))}
    if kind == "notice":  # without the right to publish, only approvals are reported
        listed = {content["notice"]: content["link"].partition(msp_setup.host)[2]}
    assert listed["2 changes were sent for approval"] == f"{root}/approvals"

    await propose(env, "SKU-003")
    assert (await approver.post(f"{root}/notifications/read")).status_code == 303
    await mail_at(env, env.scope, now + 2 * LATER)
    assert len(await mails(env, env.scope)) == 1


async def test_staff_of_the_msp_have_one_summary_of_their_clients(
    msp_setup: MspSetup, env: ClientEnv, admin: Visit
) -> None:
    await choose(admin, "", mail="hourly")
    await propose(env, "SKU-001")
    now = datetime.now(UTC)
    await repeat(env, NotifyMembers("policy.drafted", "draft", "/policy/draft", now))
    await mail_at(env, env.msp_account, now + LATER)
    [(kind, recipient, content)] = await mails(env, env.msp_account)
    assert (kind, recipient) == ("notice_summary", msp_setup.admin)
    assert len(read_entries(content["entries"])) == 2
    assert all(one.text.startswith("Client ") for one in read_entries(content["entries"]))
    assert await mails(env, env.scope) == []


async def test_quiet_hours_hold_mails_but_not_critical_ones_that_may_pass(
    msp_setup: MspSetup, env: ClientEnv, approver: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    now, quiet = datetime.now(UTC), quiet_now()
    await choose(approver, root, mail="at_once", critical_passes=True, **quiet)
    await propose(env, "SKU-001")
    assert await mails(env, env.scope) == []
    ((due,),) = await env.rows("SELECT due_at FROM notification_delivery WHERE done_at IS NULL")
    assert isinstance(due, datetime)
    assert due.strftime("%H:%M") == quiet["quiet_until"]
    await repeat(env, NotifyMembers("connection.not_working", "c", "/connections", now))
    assert [content["notice"] for _, _, content in await mails(env, env.scope)] == ["A connection fails or is paused"]


async def test_webhooks_of_the_account_carry_the_chosen_kinds_only(  # noqa: PLR0917 - fixtures
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, admin: Visit, approver: Visit, other_env: ClientEnv
) -> None:
    root = f"/clients/{msp_setup.slug}"
    other = await set_up_msp(other_env, name="Elsewhere")
    stranger = await web_app.signed_in(other.host, other.admin)
    async with webhook_receiver() as receiver, webhook_receiver() as elsewhere:
        for visit, address, hears in (
            (admin, f"/api/v1{root}", receiver), (stranger, f"/api/v1/clients/{other.slug}", elsewhere),
        ):  # fmt: skip
            body = {"url": hears.url, "event_types": ["notification.sent"]}
            made = await visit.api("POST", f"{address}/webhook-endpoints", body)
            assert made.status_code == 201, made.text
        await choose(approver, root, webhook_kinds=["approval.waiting"])
        await propose(env, "SKU-001")
        await repeat(env, NotifyMembers("connection.not_working", "c", "/connections", datetime.now(UTC)))
        [heard] = receiver.heard
        assert heard.event["type"] == "notification.sent"
        assert heard.event["data"]["kind"] == "approval.waiting"
        assert heard.event["data"]["path"].startswith(f"{root}/approvals/")
        assert elsewhere.heard == []
        bell, quiet = await rung(approver, root), quiet_now()
        await choose(approver, root, webhook_kinds=["approval.waiting", "connection.not_working"], **quiet)
        await repeat(env, NotifyMembers("connection.not_working", "other", "/connections", datetime.now(UTC)))
        assert (len(receiver.heard), await rung(approver, root)) == (1, bell)
        await choose(approver, root, webhook_kinds=["connection.not_working"], critical_passes=True, **quiet)
        await repeat(env, NotifyMembers("connection.not_working", "third", "/connections", datetime.now(UTC)))
        assert (len(receiver.heard), await rung(approver, root)) == (2, bell + 1)
        await mail_at(env, env.scope, datetime.now(UTC) + LATER)
        await env.work(settle=0.5)
        assert [one.event["data"]["kind"] for one in receiver.heard[1:]] == ["connection.not_working"] * 2


async def test_the_form_saves_all_channels_and_refuses_half_of_quiet_hours(
    msp_setup: MspSetup, env: ClientEnv, approver: Visit
) -> None:
    page = f"/clients/{msp_setup.slug}/notifications/settings"
    await approver.get(page)
    form = {
        "least_severity": "info", "kinds": "approval.waiting", "mail": "hourly", "mail_least_severity": "warning",
        "mail.approval.waiting": "at_once", "webhook_kinds": "exception.opened", "webhook_least_severity": "info",
        "quiet_from": "22:00", "quiet_until": "06:00", "critical_passes": "on", "digest_at": "08:15",
    }  # fmt: skip
    half = await approver.post(page, form | {"quiet_until": ""})
    assert half.status_code == 422
    assert "Quiet hours need a beginning and an end." in half.text
    assert (await approver.post(page, form | {"digest_at": "25:00"})).status_code == 422
    assert (await approver.post(page, form)).status_code == 303
    kept = (await approver.api("GET", f"/api/v1{page}")).json()
    assert {name: kept[name] for name in ("mail", "mail_kinds", "quiet_from", "critical_passes", "digest_at")} == {
        "mail": "hourly", "mail_kinds": {"approval.waiting": "at_once"}, "quiet_from": "22:00",
        "critical_passes": True, "digest_at": "08:15",
    }  # fmt: skip
    assert [one["code"] for one in kept["kinds"] if one["webhook"]] == ["exception.opened"]
    shown = (await approver.get(page)).text
    assert 'value="08:15"' in shown


async def test_a_cause_that_is_reported_twice_is_mailed_once(
    msp_setup: MspSetup, env: ClientEnv, approver: Visit
) -> None:
    await choose(approver, f"/clients/{msp_setup.slug}", mail="daily")
    await propose(env, "SKU-001")
    before = await env.rows("SELECT job_seq FROM notification_delivery")
    async with env.services.db.transaction(env.scope) as session:
        again = text("""
            INSERT INTO notification_delivery (tenant_id, msp_id, id, member_id, channel, job_seq, kind, topic, subject,
                   params, list_href, account, number, happened_at, due_at)
            SELECT tenant_id, msp_id, gen_random_uuid(), member_id, channel, job_seq, kind, topic, subject, params,
                   list_href, account, number, happened_at, due_at FROM notification_delivery
            ON CONFLICT (tenant_id, member_id, channel, job_seq) DO NOTHING
        """)
        await session.execute(again)
    assert await env.rows("SELECT job_seq FROM notification_delivery") == before
