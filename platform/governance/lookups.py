"""Names behind ids, and rows as they are shown."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import Value
from foundation.database.engine import scope_of
from governance.delivery import ACTIVE_CHANNEL, is_late
from governance.schemas import ShownApproval, ShownChange, ShownPropagation

CHANGE_COLUMNS: Final = """
    c.id, c.record_key, c.element, c.old_amount, c.old_currency, c.new_amount, c.new_currency, c.origin, c.author,
    c.state, c.outcome, c.rule_id, c.reason, c.policy_version, c.cost_amount, c.version, c.targets, c.approval_id,
    c.source_event_id, c.committed_at, c.proposed_at, c.decided_at, c.decision_excluded, c.correlation
"""
APPROVAL_COLUMNS: Final = ", ".join(f"a.{name} AS a_{name}" for name in ShownApproval.__struct_fields__)
PROPAGATION_COLUMNS: Final = f"""
    p.change_id, p.connection_id, n.name AS channel, p.record_key, p.element, p.amount, p.currency, p.version, p.state,
    p.attempts, p.committed_at, p.released_at, p.slo_due_at, p.breached, p.excluded, p.accepted_at, p.verified_at,
    p.read_amount, p.previous_amount, p.previous_currency, p.error, {ACTIVE_CHANNEL} AS channel_active,
    CASE WHEN n.state <> 'active' THEN n.paused_at END AS channel_paused_at
"""
_MACHINE = "connection:"


def to_value(amount: int | None, currency: str | None) -> Value | None:
    return None if amount is None else Value(amount, currency or "")


def to_change(row: Row[Any], channels: Sequence[ShownPropagation] = ()) -> ShownChange:
    """From a row of CHANGE_COLUMNS."""
    return ShownChange(
        id=row.id,
        record_key=row.record_key,
        element=row.element,
        old=to_value(row.old_amount, row.old_currency),
        new=Value(row.new_amount, row.new_currency),
        origin=row.origin,
        author=row.author,
        state=row.state,
        outcome=row.outcome,
        rule_id=row.rule_id,
        reason=row.reason,
        policy_version=row.policy_version,
        cost_amount=row.cost_amount,
        version=row.version,
        targets=row.targets,
        approval_id=row.approval_id,
        source_event_id=row.source_event_id,
        committed_at=row.committed_at,
        proposed_at=row.proposed_at,
        decided_at=row.decided_at,
        decision_excluded=row.decision_excluded,
        correlation=row.correlation,
        channels=channels,
    )


def to_propagation(row: Row[Any], now: datetime) -> ShownPropagation:
    """From a row of PROPAGATION_COLUMNS, as it is at `now`."""
    return ShownPropagation(
        change_id=row.change_id,
        connection_id=row.connection_id,
        channel=row.channel,
        record_key=row.record_key,
        element=row.element,
        value=Value(row.amount, row.currency),
        version=row.version,
        state=row.state,
        attempts=row.attempts,
        committed_at=row.committed_at,
        released_at=row.released_at,
        slo_due_at=row.slo_due_at,
        late=is_late(
            state=row.state,
            breached=row.breached,
            slo_due_at=row.slo_due_at,
            verified_at=row.verified_at,
            channel_active=row.channel_active,
            now=now,
        ),
        excluded=row.excluded,
        channel_paused_at=row.channel_paused_at,
        accepted_at=row.accepted_at,
        verified_at=row.verified_at,
        read=to_value(row.read_amount, row.currency),
        previous=to_value(row.previous_amount, row.previous_currency),
        error=row.error,
    )


def to_approval(row: Row[Any]) -> ShownApproval:
    """From a row of APPROVAL_COLUMNS."""
    return ShownApproval(*(getattr(row, f"a_{name}") for name in ShownApproval.__struct_fields__))


async def load_propagations(
    session: AsyncSession, change_ids: Sequence[UUID], *, now: datetime
) -> dict[UUID, list[ShownPropagation]]:
    """By change, channels in the order of their names."""
    found: dict[UUID, list[ShownPropagation]] = {change_id: [] for change_id in change_ids}
    if not change_ids:
        return found
    rows = await session.execute(
        text(f"""
            SELECT {PROPAGATION_COLUMNS}
              FROM propagation p JOIN connection n ON n.tenant_id = p.tenant_id AND n.id = p.connection_id
             WHERE p.tenant_id = :t AND p.change_id = ANY (:ids) ORDER BY n.name, n.id
        """),
        {"t": scope_of(session).tenant_id, "ids": list(change_ids)},
    )
    for row in rows:
        found[row.change_id].append(to_propagation(row, now))
    return found


async def name_authors(session: AsyncSession, authors: Iterable[str | None], *, me: str = "") -> dict[str, str]:
    """Names of people and connections, as changes and approvals quote them; the reader, `me`, is “You”.

    Staff of the MSP are not in the client's account, so they are named as what they are to it.
    """
    wanted = {author for author in authors if author}
    connections = [UUID(name.removeprefix(_MACHINE)) for name in wanted if name.startswith(_MACHINE)]
    people = [_as_id(name) for name in wanted if not name.startswith(_MACHINE)]
    rows = await session.execute(
        text("""
            SELECT 'connection:' || id AS author, name FROM connection WHERE tenant_id = :t AND id = ANY (:connections)
             UNION ALL
            SELECT id::text, name FROM person WHERE tenant_id = :t AND id = ANY (:people)
             UNION ALL
            SELECT id::text, name FROM api_key WHERE tenant_id = :t AND id = ANY (:people)
        """),
        {"t": scope_of(session).tenant_id, "connections": connections, "people": [p for p in people if p is not None]},
    )
    names = {row.author: row.name for row in rows}
    found = {author: names.get(author) or _stranger(author) for author in wanted}
    return found | ({me: "You"} if me in wanted else {})


async def find_people(session: AsyncSession, authors: Iterable[str]) -> frozenset[str]:
    """Those of `authors` that are members of this account, rather than keys, connections or the MSP's staff."""
    ids = [found for author in authors if (found := _as_id(author)) is not None]
    if not ids:
        return frozenset()
    rows = await session.execute(
        text("SELECT id::text FROM person WHERE tenant_id = :t AND id = ANY (:ids)"),
        {"t": scope_of(session).tenant_id, "ids": ids},
    )
    return frozenset(rows.scalars())


def _as_id(text_: str) -> UUID | None:
    try:
        return UUID(text_)
    except ValueError:
        return None


def _stranger(author: str) -> str:
    if author.startswith(_MACHINE):
        return "A former connection"
    return author if _as_id(author) is None else "Your service provider"
