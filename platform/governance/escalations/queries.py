"""Queries of escalation: due steps, open items at each step, and the steps of one item."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import NotFound
from governance.escalations.ladder import load_ladder
from governance.escalations.roles import label_of
from governance.escalations.schemas import (
    EscalationStep,
    EscalationSubject,
    EscalationView,
    LadderClient,
    NextEscalation,
    OpenItem,
    ReachedStep,
)
from governance.exceptions.lifecycle import get_exception
from governance.exceptions.states import ExceptionState
from policy.relations import APPROVALS
from policy.role_labels import names_among
from policy.states import ApprovalState
from tenants.relations import CLIENTS

_STEPS: Final = """unnest(CAST(:abouts AS varchar[]), CAST(:least AS integer[]), CAST(:after AS integer[]),
                          CAST(:roles AS varchar[]), CAST(:names AS varchar[])) WITH ORDINALITY
                   AS st (about, least_severity, after_minutes, role, role_name, position)"""
_OPEN: Final = f"""(
    SELECT CAST('exception' AS varchar) AS about, e.tenant_id, e.msp_id, e.id, CAST(e.severity AS integer) AS severity,
           e.opened_at, e.change_id
      FROM governance_exception e WHERE e.state = 'open'
     UNION ALL
    SELECT 'approval', a.tenant_id, a.msp_id, a.wait_id, CAST(a.severity AS integer), a.waiting_since, a.subject_id
      FROM {APPROVALS} a WHERE a.state = 'pending' AND a.subject_kind = 'change')"""
_DUE_AT: Final = """(s.opened_at + make_interval(mins => st.after_minutes) + coalesce((
    SELECT sum(p.paused_until - greatest(p.paused_from, s.opened_at)) FROM escalation_pause p
     WHERE p.tenant_id = s.tenant_id AND p.paused_until > s.opened_at), interval '0'))"""
"""As SQL: time at which the item reaches the step. Time in which the client was suspended does not count."""
_AHEAD: Final = f"""(
    SELECT s.about, s.id, s.change_id, st.least_severity, st.after_minutes, st.role, st.role_name, {_DUE_AT} AS due_at
      FROM {_OPEN} s JOIN {_STEPS} ON st.about = s.about AND s.severity >= st.least_severity
     WHERE s.tenant_id = :t AND (CAST(:id AS uuid) IS NULL OR s.id = :id)
       AND NOT EXISTS (SELECT 1 FROM escalation x WHERE x.tenant_id = :t AND x.subject_id = s.id
                          AND x.after_minutes = st.after_minutes AND x.role = st.role
                          AND (x.role_name <> '') = (st.role_name <> '')))"""
_IS_REACHED: Final = (
    "EXISTS (SELECT 1 FROM escalation_ladder l WHERE l.tenant_id = k.tenant_id AND l.owner_id = k.tenant_id)"
)
"""As SQL: the client has a ladder of its own."""
_OF_CLIENT: Final = "s.tenant_id = :t"
_OF_FLEET: Final = f"""s.tenant_id IN (
    SELECT k.tenant_id FROM {CLIENTS} k
     WHERE k.msp_id = :m AND k.staff_access = 'standing' AND k.status = 'active' AND NOT {_IS_REACHED})"""


async def find_due(
    session: AsyncSession, steps: Sequence[EscalationStep], *, now: datetime, limit: int
) -> Sequence[Row[Any]]:
    """Steps of open items that are due and not recorded yet, the longest due first."""
    found = await session.execute(
        text(f"SELECT * FROM {_AHEAD} d WHERE d.due_at <= :now ORDER BY d.due_at, d.id, d.role LIMIT :rows"),
        _binds(session, steps) | {"id": None, "now": now, "rows": limit},
    )
    return found.all()


async def find_next_due(session: AsyncSession, steps: Sequence[EscalationStep]) -> datetime | None:
    """The time of the next step of any open item that is not recorded."""
    due: datetime | None = await session.scalar(
        text(f"SELECT min(d.due_at) FROM {_AHEAD} d"), _binds(session, steps) | {"id": None}
    )
    return due


async def count_at_steps(session: AsyncSession, steps: Sequence[EscalationStep], *, now: datetime) -> Mapping[int, int]:
    """Number of open items by the place of their latest reached step: of the scope's client, or in the fleet's scope of
    all clients without a ladder of their own.
    """
    scope = scope_of(session)
    rows = await session.execute(
        text(f"""
            SELECT l.position - 1 AS place, count(*) AS number FROM (
                SELECT DISTINCT ON (s.id) s.id, st.position
                  FROM {_OPEN} s JOIN {_STEPS} ON st.about = s.about AND s.severity >= st.least_severity
                 WHERE {_OF_FLEET if scope.fleet else _OF_CLIENT} AND {_DUE_AT} <= :now
                 ORDER BY s.id, st.after_minutes DESC, st.position DESC) l
             GROUP BY l.position
        """),
        _binds(session, steps) | {"m": scope.msp_id, "now": now},
    )
    return {int(row.place): row.number for row in rows}


async def list_own_ladders(session: AsyncSession) -> list[LadderClient]:
    """Clients with a ladder of their own. Needs the fleet's scope."""
    rows = await session.execute(
        text(f"""
            SELECT k.slug, k.name FROM {CLIENTS} k WHERE k.msp_id = :m AND {_IS_REACHED} ORDER BY k.name, k.slug
        """),
        {"m": scope_of(session).msp_id},
    )
    return [LadderClient(row.slug, row.name) for row in rows]


async def find_exception_item(session: AsyncSession, exception_id: UUID) -> OpenItem:
    """Raises NotFound."""
    found = await get_exception(session, exception_id)
    return OpenItem(EscalationSubject.EXCEPTION, found.id, found.change_id, found.state == ExceptionState.OPEN)


async def find_approval_item(session: AsyncSession, change_id: UUID) -> OpenItem:
    """The wait for the newest approval of a change. Raises NotFound."""
    row = (
        await session.execute(
            text(f"""
                SELECT a.wait_id, a.state FROM change c
                  JOIN {APPROVALS} a ON a.tenant_id = c.tenant_id AND a.id = c.approval_id
                 WHERE c.tenant_id = :t AND c.id = :id
            """),
            {"t": scope_of(session).tenant_id, "id": change_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return OpenItem(EscalationSubject.APPROVAL, row.wait_id, change_id, row.state == ApprovalState.PENDING)


async def read_escalation(session: AsyncSession, item: OpenItem) -> EscalationView:
    """The steps that an item reached, and the next one."""
    binds = {"t": scope_of(session).tenant_id, "id": item.id}
    rows = await session.execute(
        text("""
            SELECT after_minutes, role, role_name, due_at, reached_at, notified FROM escalation
             WHERE tenant_id = :t AND subject_id = :id ORDER BY after_minutes, reached_at, role
        """),
        binds,
    )
    found = rows.all()
    following = await _find_next(session, item) if item.is_open else None
    roles = [row.role for row in (*found, following) if row is not None and not row.role_name]
    names = await names_among(session, roles)
    reached = [
        ReachedStep(
            row.after_minutes, row.role, label_of(row.role, names, row.role_name), row.due_at, row.reached_at,
            row.notified,
        )
        for row in found
    ]  # fmt: skip
    if following is None:
        return EscalationView(reached, None)
    label = label_of(following.role, names, following.role_name)
    return EscalationView(reached, NextEscalation(following.after_minutes, following.role, label, following.due_at))


async def _find_next(session: AsyncSession, item: OpenItem) -> Row[Any] | None:
    ladder = await load_ladder(session)
    rows = await session.execute(
        text(f"SELECT * FROM {_AHEAD} d ORDER BY d.due_at, d.role LIMIT 1"),
        _binds(session, ladder.steps) | {"id": item.id},
    )
    return rows.one_or_none()


def _binds(session: AsyncSession, steps: Sequence[EscalationStep]) -> dict[str, Any]:
    return {
        "t": scope_of(session).tenant_id,
        "abouts": [one.about for one in steps],
        "least": [one.least_severity for one in steps],
        "after": [one.after_minutes for one in steps],
        "roles": [one.role for one in steps],
        "names": [one.role_name for one in steps],
    }
