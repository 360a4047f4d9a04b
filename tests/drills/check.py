"""Consistency checks after a drill: the sender's log, our database and the channels' own logs agree."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from foundation.audit.chain import verify_chain
from tests.drills.history import History, Sent
from tests.drills.web_app import Channel, Client, DrillWebApp, until

SETTLED = ("verified", "superseded")
_UNDONE = """
    SELECT (SELECT count(*) FROM job WHERE tenant_id = %(t)s) AS jobs,
           (SELECT count(*) FROM governance_exception WHERE tenant_id = %(t)s AND state = 'open') AS exceptions,
           (SELECT count(*) FROM propagation WHERE tenant_id = %(t)s AND state <> ALL (%(settled)s)) AS open
"""
_SHOWN = 8
"""Examples named per problem."""


class Found(msgspec.Struct):
    """Figures of one client, and inconsistencies in words."""

    acknowledged: int = 0
    changes: int = 0
    lost: int = 0
    effects: int = 0
    sent_again: int = 0
    """Writes that reached a channel more than once, under the same idempotency key."""
    problems: list[str] = msgspec.field(default_factory=list)

    def expect_none(self, what: str, wrong: Sequence[object]) -> None:
        if wrong:
            examples = ", ".join(str(item) for item in wrong[:_SHOWN])
            self.problems.append(f"{what}: {len(wrong)} ({examples})")

    def expect(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            self.problems.append(f"{what}: {found}, expected {wanted}")


async def wait_until_settled(web_app: DrillWebApp, client: Client, *, seconds: float) -> None:
    """Wait until no job, running delivery or exception is left. Returns silently on a time-out: the check reports the
    rest.
    """

    async def settled() -> bool:
        (left,) = await web_app.rows(_UNDONE, t=client.scope.tenant_id, settled=list(SETTLED))
        return not any(left.values())

    with suppress(TimeoutError):
        await until(settled, seconds=seconds)


async def check_client(web_app: DrillWebApp, client: Client, history: History) -> Found:
    found = Found(acknowledged=len(history.acknowledged), changes=len(history.changes))
    found.expect_none("sent and never accepted", [m.message_id for m in history.messages if m.acknowledged is None])
    strange = [answer for answer in history.answers if answer.isdigit() and answer not in ("202", "503")]
    found.expect_none("answers other than accepted and come again", strange)
    await _events_are_kept(web_app, client, history, found)
    propagations = await _rows(
        web_app,
        client,
        "SELECT id, connection_id, state FROM propagation WHERE tenant_id = %(t)s",
    )
    await _changes_are_once(web_app, client, history, found)
    for channel in client.channels:
        mine = [row for row in propagations if row["connection_id"] == channel.id]
        _channel_agrees(web_app, client, channel, mine, history, found)
    await _ledger_agrees(web_app, client, propagations, found)
    await _nothing_is_left(web_app, client, found)
    async with web_app.services() as services, services.db.transaction(client.scope) as session:
        verdict = await verify_chain(session)
    found.expect("audit chain broken at", verdict.broken_at, None)
    return found


async def _rows(web_app: DrillWebApp, client: Client, sql: str) -> list[dict[str, Any]]:
    return await web_app.rows(sql, t=client.scope.tenant_id)


async def _events_are_kept(web_app: DrillWebApp, client: Client, history: History, found: Found) -> None:
    rows = await _rows(web_app, client, "SELECT dedupe_key FROM source_event WHERE tenant_id = %(t)s")
    kept = Counter(row["dedupe_key"] for row in rows)
    lost = [message.message_id for message in history.acknowledged if message.message_id not in kept]
    found.lost = len(lost)
    found.expect_none("acknowledged and lost", lost)
    sent = {message.message_id for message in history.messages}
    found.expect_none("events nobody of this client sent", [key for key in kept if key not in sent])


async def _changes_are_once(web_app: DrillWebApp, client: Client, history: History, found: Found) -> None:
    """Every SKU of its own has exactly one change; a contested one never returns to an older version."""
    rows = await _rows(
        web_app,
        client,
        "SELECT record_key, minor(new_value) AS amount, source_version, state FROM change"
        " WHERE tenant_id = %(t)s ORDER BY version",
    )
    found.expect_none("changes with another client's amount", [r for r in rows if r["amount"] % 2 != client.parity])
    by_sku: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_sku[row["record_key"]].append(row)
    wrong = [
        sku
        for sku, change in history.alone.items()
        if [(r["amount"], r["state"]) for r in by_sku[sku]] != [(change.amount, "released")]
    ]
    found.expect_none("SKUs without exactly one change", wrong)
    for sku in history.contested:
        versions = [row["source_version"] for row in by_sku[sku]]
        found.expect(f"order of the changes of {sku}", versions, sorted(set(versions)))


def _channel_agrees(  # noqa: PLR0917
    web_app: DrillWebApp,
    client: Client,
    channel: Channel,
    propagations: Sequence[Mapping[str, Any]],
    history: History,
    found: Found,
) -> None:
    """Compare the channel's own log with the sender's log and with our propagations."""
    seen = web_app.sandbox.effects(channel.url)
    log: list[dict[str, Any]] = seen["log"]  # type: ignore[assignment]
    received: dict[str, int] = seen["received_by_key"]  # type: ignore[assignment]
    found.sent_again += sum(count > 1 for count in received.values())
    found.expect(f"effects repeated at the {channel.kind}", seen["repeated"], {})
    by_sku: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for effect in log:
        by_sku[effect["sku"]].append(effect)
    alone = {sku: by_sku.get(sku, []) for sku in history.alone}
    found.effects += sum(map(len, alone.values()))
    name = f"at the {channel.kind}"
    found.expect_none(f"changes without exactly one effect {name}", [s for s, e in alone.items() if len(e) != 1])
    final = history.alone | history.contested
    found.expect_none(f"SKUs with a wrong final value {name}", _wrong_finals(by_sku, final))
    found.expect_none(
        f"another client's values {name}", [e for e in log if e["amount"] % 2 != client.parity or e["sku"] not in final]
    )
    keys = {effect["key"] for effect in log}
    ours = {str(row["id"]): row["state"] for row in propagations}
    found.expect_none(f"effects no propagation of ours asked for {name}", [key for key in keys if key not in ours])
    unseen = [key for key, state in ours.items() if state == "verified" and key not in keys]
    found.expect_none(f"propagations verified without an effect {name}", unseen)
    unsettled = [key for key, state in ours.items() if state not in SETTLED]
    found.expect_none(f"propagations not settled {name}", unsettled)


def _wrong_finals(by_sku: Mapping[str, list[dict[str, Any]]], final: Mapping[str, Sent]) -> list[str]:
    return [sku for sku, change in final.items() if not by_sku.get(sku) or by_sku[sku][-1]["amount"] != change.amount]


async def _ledger_agrees(
    web_app: DrillWebApp, client: Client, propagations: Sequence[Mapping[str, Any]], found: Found
) -> None:
    rows = await _rows(web_app, client, "SELECT id, quantity FROM usage_event WHERE tenant_id = %(t)s")
    metered = Counter({row["id"]: row["quantity"] for row in rows})
    verified = Counter({row["id"]: 1 for row in propagations if row["state"] == "verified"})
    found.expect_none("verified and not metered once", list((verified - metered) + (metered - verified)))


async def _nothing_is_left(web_app: DrillWebApp, client: Client, found: Found) -> None:
    left = await _rows(web_app, client, "SELECT lane, kind, attempts, error FROM job WHERE tenant_id = %(t)s")
    found.expect_none("jobs left", left)
    dead = await _rows(web_app, client, "SELECT kind, error FROM dead_letter WHERE tenant_id = %(t)s")
    found.expect_none("dead letters", dead)
    exceptions = await _rows(
        web_app, client, "SELECT code, subject FROM governance_exception WHERE tenant_id = %(t)s AND state = 'open'"
    )
    found.expect_none("exceptions open", exceptions)
