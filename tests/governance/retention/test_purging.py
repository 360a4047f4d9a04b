"""Retention: deleted and kept rows by account, and the log of deletions."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from billing.sides import as_rater
from controlplane.rooms import ROOMS
from foundation.database.locks import lock
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import id_floor, new_id, time_of
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.scope import Scope
from governance.retention import repository
from governance.retention.change_policy import place_hold, release_hold, set_policy
from governance.retention.plan import plan_retention
from governance.retention.schemas import DataClassView, NewHold, NewPolicy, PurgeView
from tenants.mail.states import MailState
from tests.billing.conftest import FIX_DRAFTS
from tests.governance.retention.conftest import MONTH_END, Pins
from tests.support.jobs import job_type

DEFAULT = 731
NOW = MONTH_END + timedelta(days=1)


async def hold(kept: Pins, scope: Scope, *, data_class: str = "", record: str = "") -> UUID:
    async with kept.app.transaction(scope) as session:
        return await place_hold(
            session, ROOMS.retained, NewHold("a lawsuit", data_class, record), now=NOW, new_id=new_id
        )


async def policy(kept: Pins, scope: Scope, data_class: str, days: int | None, element: str = "") -> None:
    async with kept.app.transaction(scope) as session:
        await set_policy(session, ROOMS.retained, data_class, NewPolicy(days, element), now=NOW)


async def purges(kept: Pins, scope: Scope) -> list[PurgeView]:
    async with kept.app.transaction(scope) as session:
        return list((await plan_retention(session, ROOMS.retained, now=NOW)).purges)


async def shown(kept: Pins, scope: Scope, name: str, days: int) -> DataClassView:
    async with kept.app.transaction(scope) as session:
        view = await plan_retention(session, ROOMS.retained, now=MONTH_END + timedelta(days=days))
    return next(one for one in view.classes if one.name == name)


async def test_a_partition_is_dropped_and_retained_rows_are_moved(kept: Pins, scope: Scope, other_scope: Scope) -> None:
    old, standing = await kept.change(scope), await kept.change(scope, record="SKU-2")
    await kept.value(scope, "SKU-2", standing)
    others = await kept.change(other_scope)
    asked = await kept.change(other_scope, record="SKU-3", state="awaiting_approval")
    early = await kept.run(DEFAULT - 1)
    assert "change" not in early.removed
    assert await kept.ids(scope) == {old, standing}
    report = await kept.run(DEFAULT)
    assert {"change_initial", "propagation_initial"} <= set(report.dropped)
    assert report.removed["change"] == 2
    assert await kept.ids(scope) == await kept.ids(scope, "propagation", "change_id") == {standing}
    assert await kept.ids(other_scope) == {asked}
    assert others not in await kept.ids(other_scope)
    assert await kept.partition_of(scope, standing) == "change_default"
    log = {one.table: one for one in await purges(kept, scope) if one.data_class == "changes"}
    assert (log["change"].removed, log["change"].kept, log["change"].partition) == (1, 1, "change_initial")
    assert log["propagation"].removed == 1
    again = await kept.run(DEFAULT + 1)
    assert "change" not in again.removed


async def test_expired_rows_of_the_default_partition_are_deleted(kept: Pins, scope: Scope) -> None:
    standing = await kept.change(scope)
    await kept.value(scope, "SKU-1", standing)
    await kept.run(DEFAULT)
    await kept.execute(scope, "UPDATE record_value SET change_id = NULL WHERE tenant_id = :t")
    report = await kept.run(DEFAULT)
    assert report.removed["change"] == report.removed["propagation"] == 1
    assert await kept.ids(scope) == set()


async def test_a_longer_period_retains_one_clients_rows_only(kept: Pins, scope: Scope, other_scope: Scope) -> None:
    await kept.change(scope)
    stays = await kept.change(other_scope)
    await policy(kept, other_scope, "changes", 2000)
    report = await kept.run(DEFAULT)
    assert "change_initial" not in report.dropped
    assert await kept.ids(scope) == set()
    assert await kept.ids(other_scope) == {stays}
    assert "change_initial" in (await kept.run(2000)).dropped
    assert await kept.ids(other_scope) == set()


async def test_a_contract_can_only_extend_retention(kept: Pins, scope: Scope) -> None:
    await kept.change(scope)
    stock = await kept.change(scope, element="stock.on_hand")
    await policy(kept, scope, "changes", 1500, "stock.on_hand")
    await policy(kept, scope, "changes", 90, "price.list")  # shorter than the class: the class's days apply
    await kept.run(100)
    assert len(await kept.ids(scope)) == 2
    await kept.run(DEFAULT)
    assert await kept.ids(scope) == await kept.ids(scope, "propagation", "change_id") == {stock}
    await kept.run(1500)
    assert await kept.ids(scope) == set()


async def test_a_hold_prevents_deletion_until_released(kept: Pins, scope: Scope, other_scope: Scope) -> None:
    held = await kept.change(scope)
    await kept.change(other_scope)
    hold_id = await hold(kept, scope)
    await policy(kept, scope, "changes", 90)
    report = await kept.run(5000)
    assert await kept.ids(scope) == {held}
    assert await kept.ids(other_scope) == set()
    assert not {"change_initial", f"audit_entry_{MONTH_END:%Y_%m}"} & set(report.dropped)
    view = await shown(kept, scope, "changes", 5000)
    assert (view.is_held, view.due, view.next_at) == (True, 0, None)
    async with kept.app.transaction(other_scope) as session:
        with pytest.raises(NotFound):
            await release_hold(session, hold_id, reason="not mine", now=NOW)
    async with kept.app.transaction(scope) as session:
        await release_hold(session, hold_id, reason="settled", now=NOW)
    async with kept.app.transaction(scope) as session:
        with pytest.raises(Conflict):
            await release_hold(session, hold_id, reason="again", now=NOW)
    await kept.run(5000)
    assert await kept.ids(scope) == set()


async def test_a_hold_of_one_record_retains_that_record(kept: Pins, scope: Scope) -> None:
    held, event = await kept.change(scope, record="SKU-9"), await kept.event(scope)
    await kept.change(scope)
    await hold(kept, scope, record="SKU-9")
    report = await kept.run(DEFAULT)
    assert "change_initial" in report.dropped
    assert await kept.ids(scope) == await kept.ids(scope, "propagation", "change_id") == {held}
    assert await kept.ids(scope, "source_event") == {event}, "messages are not filed by record: all are held"


async def test_a_hold_placed_while_removing_waits_and_then_holds(kept: Pins, scope: Scope) -> None:
    async with kept.owner.transaction(None) as removing:
        await lock(removing, repository.LOCK)
        placing = asyncio.create_task(hold(kept, scope))
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        while not await removing.scalar(waiting):  # noqa: ASYNC110 - it happens in PostgreSQL
            await asyncio.sleep(0.01)
        assert not placing.done()
    await placing


async def test_messages_that_are_still_needed_are_kept(kept: Pins, scope: Scope) -> None:
    standing, waiting, read = [await kept.event(scope) for _ in range(3)]
    await kept.value(scope, "SKU-1", None, standing)
    async with kept.app.transaction(scope) as session:
        enqueue(session, [NewJob("ingest/x", job_type("test.none"), "k", ref=waiting, delay=3600)])
    report = await kept.run(400)
    assert "source_event_initial" in report.dropped
    assert await kept.ids(scope, "source_event") == {standing, waiting}
    assert read not in await kept.ids(scope, "source_event")


async def test_closed_exceptions_are_deleted_and_open_ones_are_kept(
    kept: Pins, scope: Scope, other_scope: Scope
) -> None:
    insert = """
        INSERT INTO governance_exception (tenant_id, msp_id, id, code, subject, message, params, severity,
                                          severity_factors, state, opened_at, seen_at, correction_due_at, closed_at,
                                          correlation, element)
        VALUES (:t, :m, :id, 'c', CAST(:id AS varchar), 'c', '{}', 1, '{}', :state, now(), now(), now(), :settled, '',
                :e)
    """
    long_ago = MONTH_END - timedelta(days=40)
    ids = [new_id() for _ in range(4)]
    await kept.execute(scope, insert, id=ids[0], state="resolved", settled=long_ago, e="price.list")
    await kept.execute(scope, insert, id=ids[1], state="open", settled=None, e=None)
    await kept.execute(scope, insert, id=ids[2], state="resolved", settled=long_ago, e="stock.on_hand")
    await kept.execute(other_scope, insert, id=ids[3], state="resolved", settled=long_ago, e=None)
    await policy(kept, scope, "exceptions", 900, "stock.on_hand")
    await hold(kept, other_scope, data_class="exceptions")
    await kept.act(scope, MONTH_END)
    assert (await shown(kept, scope, "exceptions", 400)).due == 1
    report = await kept.run(400)
    assert report.removed["governance_exception"] == 1
    assert await kept.ids(scope, "governance_exception") == {ids[1], ids[2]}
    assert await kept.ids(other_scope, "governance_exception") == {ids[3]}


async def test_usage_stays_until_a_closed_invoice_has_it(kept: Pins, scope: Scope, other_scope: Scope) -> None:
    usage = (
        "INSERT INTO usage_event (tenant_id, msp_id, meter, id, quantity, occurred_at)"
        " VALUES (:t, :m, 'x', :id, 1, now())"
    )
    billed, open_, invoice = new_id(), new_id(), new_id()
    for scope_, one in ((scope, billed), (other_scope, open_)):
        await kept.execute(scope_, usage, id=one)
        await kept.act(scope_, MONTH_END)
    await kept.execute(
        scope,
        """
        INSERT INTO invoice (tenant_id, msp_id, id, side, client_id, period_start, period_end, currency, state,
                             created_at, updated_at)
        VALUES (:t, :m, :i, 'retail', :t, now(), now() + interval '1 day', 'USD', 'draft', now(), now())
        """,
        i=invoice,
    )
    await kept.execute(
        scope,
        "INSERT INTO rated_usage (tenant_id, msp_id, side, meter, usage_id, invoice_id, line_id, quantity, occurred_at)"
        " VALUES (:t, :m, 'retail', 'x', :id, :i, :i, 1, now())",
        id=billed, i=invoice,
    )  # fmt: skip
    values = "'x', :id, now(), 1, 1, 1, now(), now(), :id, :id"
    await kept.execute(scope, f"INSERT INTO usage_rollup VALUES (:t, :m, {values})", id=new_id())
    await kept.execute(
        scope,
        "INSERT INTO rated_rollup (tenant_id, msp_id, side, invoice_id, line_id, meter, recording_id, hour, rows,"
        f" events, quantity, first_at, last_at, first_id, last_id) VALUES (:t, :m, 'retail', :i, :i, {values})",
        id=new_id(), i=invoice,
    )  # fmt: skip
    async with kept.app.transaction(scope) as session, as_rater(session):
        columns = "hour, invoice_id, line_id, rows, events, quantity, first_at, last_at, first_id, last_id"
        copied = f"SELECT tenant_id, msp_id, 'wholesale', meter, recording_id, {columns} FROM rated_rollup"
        await session.execute(
            text(f"INSERT INTO rated_rollup (tenant_id, msp_id, side, meter, recording_id, {columns}) {copied}")
        )
        columns = "tenant_id, msp_id, line_id, recording_id, hour, first_id, last_id, first_at, last_at, side"
        await session.execute(text(f"INSERT INTO voided_usage ({columns}) SELECT {columns} FROM rated_rollup"
                                   " WHERE side = 'retail'"))  # fmt: skip
    await kept.run(4000)
    assert await kept.ids(scope, "usage_event") == {billed}
    await kept.execute(scope, f"{FIX_DRAFTS} AND tenant_id = :t")
    await kept.execute(scope, "UPDATE invoice SET state = 'finalised' WHERE tenant_id = :t")
    with pytest.raises(InvalidInput, match="at least 400 days"):
        await policy(kept, scope, "usage", 365)
    await kept.run(3000)
    assert await kept.ids(scope, "usage_event") == {billed}
    await kept.run(4000)
    assert await kept.ids(scope, "usage_event") == set()
    assert await kept.ids(scope, "rated_usage", "usage_id") == set()
    async with kept.app.transaction(scope) as session, as_rater(session):
        for table in ("usage_rollup", "rated_rollup", "voided_usage"):
            assert (await session.scalars(text(f"SELECT recording_id FROM {table}"))).all() == [], table
    assert await kept.ids(other_scope, "usage_event") == {open_}


async def test_an_audit_chain_that_lost_its_beginning_verifies(kept: Pins, scope: Scope, other_scope: Scope) -> None:
    """Also if entries around a month's end are out of order, and if another client keeps its own."""
    early, late = MONTH_END - timedelta(seconds=1), MONTH_END + timedelta(seconds=1)
    for at in (early, early, late, early, late):
        await kept.act(scope, at)
    await kept.act(other_scope, early, 3)
    await policy(kept, other_scope, "audit", 5000)  # an entry of its own, the fourth
    await kept.run(3653)
    verdict = await kept.verify(scope)
    assert (verdict.entries, verdict.broken_at) == (5, None)
    assert await kept.ids(scope, "audit_entry", "seq") == {3, 4, 5}
    assert await kept.ids(other_scope, "audit_entry", "seq") == {1, 2, 3, 4}
    await kept.run(5000)
    assert await kept.ids(scope, "audit_entry", "seq") == set()
    for one, entries in ((scope, 5), (other_scope, 4)):
        assert await kept.verify(one) == await kept.verify(one)
        assert ((await kept.verify(one)).entries, (await kept.verify(one)).broken_at) == (entries, None)
        await kept.act(one, MONTH_END)
        assert (await kept.verify(one)).broken_at is None


async def test_policies_and_holds_are_audited_and_their_own(kept: Pins, scope: Scope, other_scope: Scope) -> None:
    await policy(kept, scope, "changes", 800)
    await policy(kept, scope, "changes", None)
    hold_id = await hold(kept, scope, data_class="changes")
    async with kept.app.transaction(scope) as session:
        await release_hold(session, hold_id, reason="settled", now=NOW)
        actions = await session.scalars(text("SELECT action FROM audit_entry ORDER BY seq"))
        assert list(actions) == ["retention.policy_set", "retention.policy_set", "retention.hold_placed"]
    async with kept.app.transaction(other_scope) as session:
        other = await plan_retention(session, ROOMS.retained, now=NOW)
    assert not other.holds
    for wrong in ("nothing", "job"):
        with pytest.raises(NotFound):
            await policy(kept, scope, wrong, 800)
    with pytest.raises(InvalidInput):
        await policy(kept, scope, "audit", 800, "price.list")


async def test_identities_and_answers_are_deleted_only_when_they_are_old(kept: Pins, scope: Scope) -> None:
    """The database refuses the deletion of rows younger than the shortest policy, whatever the job requests."""
    old, young, open_ = id_floor(MONTH_END - timedelta(days=1500)), new_id(), id_floor(MONTH_END - timedelta(days=1501))
    key = """
        INSERT INTO source_event_key (tenant_id, msp_id, connection_id, dedupe_key, body_hash, event_id, via)
        VALUES (:t, :m, :id, 'k', 'h', :id, 'poll')
    """
    approval = """
        INSERT INTO approval (tenant_id, msp_id, id, subject_kind, subject_id, content_hash, policy_version,
                              requested_by, author, state, expires_at, created_at, wait_id, waiting_since)
        VALUES (:t, :m, :id, 'change', :id, CAST(repeat('x', 32) AS bytea), 1, 'a', 'b', :state, now(), :at, :id, :at)
    """
    for one in (old, young):
        await kept.execute(scope, key, id=one)
    for one, state in ((old, "refused"), (young, "refused"), (open_, "pending")):
        await kept.execute(scope, approval, id=one, state=state, at=time_of(one))
    await kept.act(scope, MONTH_END)
    report = await kept.run(3000)
    assert report.removed["source_event_key"] == report.removed["approval"] == 1
    assert await kept.ids(scope, "source_event_key", "event_id") == {young}
    assert await kept.ids(scope, "approval") == {young, open_}


async def test_readings_of_a_finished_baseline_are_deleted_and_its_figures_are_kept(kept: Pins, scope: Scope) -> None:
    ids = {"accepted": new_id(), "ready": new_id()}
    for state, one in ids.items():
        await kept.execute(
            scope,
            "INSERT INTO baseline (tenant_id, msp_id, id, state, started_at, started_by)"
            " VALUES (:t, :m, :id, :state, now(), 'a')",
            id=one, state=state,
        )  # fmt: skip
        await kept.execute(
            scope,
            "INSERT INTO baseline_item (tenant_id, msp_id, baseline_id, record_key, element)"
            " VALUES (:t, :m, :id, 'SKU-1', 'price.list')",
            id=one,
        )
    await kept.act(scope, MONTH_END)
    assert (await kept.run(90)).removed["baseline_item"] == 1
    assert await kept.ids(scope, "baseline_item", "baseline_id") == {ids["ready"]}
    assert await kept.ids(scope, "baseline") == set(ids.values())


async def test_mails_are_removed_unless_they_wait(kept: Pins, scope: Scope, other_scope: Scope) -> None:
    insert = """
        INSERT INTO mail (tenant_id, msp_id, id, kind, recipient, recipient_name, language, time_zone, state,
                          created_at)
        VALUES (:t, :m, :id, 'test', 'mia@client.example', 'Mia', 'en', '', :state, now())
    """
    mails = {state: new_id() for state in MailState}
    for state, mail_id in mails.items():
        await kept.execute(scope, insert, id=mail_id, state=state)
    for each in (scope, other_scope):
        await kept.act(each, datetime.now(UTC))
    held = new_id()
    await kept.execute(other_scope, insert, id=held, state=MailState.SENT)
    await policy(kept, other_scope, "mails", 2000)
    days = next(one for one in ROOMS.retained if one.name == "mails").default_days
    await kept.run(days - 1)
    assert await kept.ids(scope, "mail") == set(mails.values())
    report = await kept.run(days)
    assert report.removed["mail"] == len(MailState) - 1
    assert await kept.ids(scope, "mail") == {mails[MailState.QUEUED]}
    assert await kept.ids(other_scope, "mail") == {held}
