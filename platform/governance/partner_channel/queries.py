"""Queries of a trading partner's own channels. Row-level security limits a partner to its own rows; the statements
filter by them as well.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import Value
from connectors.health import IS_FAILING
from foundation.database.engine import scope_of
from foundation.ids import id_floor
from governance.inputs import check_exact
from governance.overview.queries import DAY, DECIDING, NEWEST
from governance.partner_channel.schemas import ChannelValueView
from governance.propagation.delivery import DELIVERY_SECONDS, LATE
from governance.propagation.queries import PROPAGATION_COLUMNS, to_propagation
from governance.propagation.schemas import PropagationView
from governance.propagation.states import RUNNING


class ChannelFigures(msgspec.Struct, frozen=True):
    """Figures of the last 24 hours, except `running` and `late`, which are current."""

    channels: Sequence[str]
    paused: Sequence[str]
    failing: Sequence[str]
    visible: int
    changes: int
    running: int
    late: int
    half_s: float | None


class PropagationPage(msgspec.Struct, frozen=True):
    items: Sequence[PropagationView]
    next_cursor: UUID | None = None


class ValuePage(msgspec.Struct, frozen=True):
    items: Sequence[ChannelValueView]
    next_cursor: str = ""


async def read_channel(session: AsyncSession, *, now: datetime) -> ChannelFigures:
    own = _own(session)
    row = (
        await session.execute(
            text(f"""
                WITH newest AS (
                    SELECT p.state, p.released_at, p.excluded, p.verified_at FROM propagation p
                     WHERE p.tenant_id = :t AND {own.format("p")} AND p.change_id >= :earliest
                       AND p.released_at >= :since
                     ORDER BY p.change_id DESC LIMIT :newest
                ), running AS (
                    SELECT count(*) AS running, count(*) FILTER (WHERE {LATE}) AS late FROM propagation p
                     WHERE p.tenant_id = :t AND {own.format("p")} AND p.{RUNNING}
                )
                SELECT ARRAY(SELECT n.name FROM connection n
                              WHERE n.tenant_id = :t AND n.role = 'channel' AND {own.format("n")}
                              ORDER BY n.name) AS channels,
                       ARRAY(SELECT n.name FROM connection n
                              WHERE n.tenant_id = :t AND n.role = 'channel' AND n.state <> 'active'
                                AND {own.format("n")}
                              ORDER BY n.name) AS paused,
                       ARRAY(SELECT n.name FROM connection n
                              WHERE n.tenant_id = :t AND n.role = 'channel' AND n.state = 'active' AND {IS_FAILING}
                                AND {own.format("n")}
                              ORDER BY n.name) AS failing,
                       count(*) FILTER (WHERE state = 'verified') AS visible,
                       count(*) FILTER (WHERE state <> 'superseded') AS changes,
                       (SELECT running FROM running) AS running, (SELECT late FROM running) AS late,
                       percentile_cont(0.5) WITHIN GROUP (ORDER BY {DELIVERY_SECONDS})
                           FILTER (WHERE verified_at IS NOT NULL) AS half_s
                  FROM newest
            """),
            {
                **_whose(session),
                "earliest": id_floor(now - DAY - DECIDING),
                "since": now - DAY,
                "newest": NEWEST,
                "now": now,
            },
        )
    ).one()
    return ChannelFigures(
        row.channels, row.paused, row.failing, row.visible, row.changes, row.running, row.late, row.half_s
    )


async def list_propagations(
    session: AsyncSession, *, now: datetime, cursor: UUID | None = None, limit: int = 50
) -> PropagationPage:
    """List propagations, newest change first; `cursor` is the last change of the previous page."""
    beyond = "" if cursor is None else "AND p.change_id < :cursor"
    rows = (
        await session.execute(
            text(f"""
                SELECT {PROPAGATION_COLUMNS}
                  FROM (SELECT * FROM propagation p
                         WHERE p.tenant_id = :t AND {_own(session).format("p")} {beyond}
                         ORDER BY p.change_id DESC, p.connection_id LIMIT :limit) p
                  JOIN connection n ON n.tenant_id = :t AND n.id = p.connection_id
                 ORDER BY p.change_id DESC, p.connection_id
            """),
            {**_whose(session), "limit": limit + 1, **({"cursor": cursor} if beyond else {})},
        )
    ).all()
    items = [to_propagation(row, now) for row in rows]
    if len(items) <= limit:
        return PropagationPage(items)
    # Keep the channels of a change on one page.
    cut = items[limit].change_id
    kept = [item for item in items[:limit] if item.change_id != cut] or items[:limit]
    return PropagationPage(kept, kept[-1].change_id)


async def list_shown(session: AsyncSession, *, cursor: str = "", limit: int = 50) -> ValuePage:
    """List values by record; `cursor` is the last record of the previous page. Each channel's next rows are read from
    its own index.
    """
    own = _own(session)
    rows = (
        await session.execute(
            text(f"""
                SELECT n.name, v.record_key, v.element, v.amount, v.currency, v.seen_at
                  FROM connection n
                  CROSS JOIN LATERAL (
                    SELECT * FROM channel_value v
                     WHERE v.tenant_id = n.tenant_id AND v.connection_id = n.id AND {own.format("v")}
                       AND v.record_key > :cursor
                     ORDER BY v.record_key, v.element LIMIT :limit) v
                 WHERE n.tenant_id = :t AND {own.format("n")}
                 ORDER BY v.record_key, v.element, n.name LIMIT :limit
            """),
            {**_whose(session), "cursor": check_exact(cursor, "cursor"), "limit": limit + 1},
        )
    ).all()
    items = [ChannelValueView(r.name, r.record_key, r.element, Value(r.amount, r.currency), r.seen_at) for r in rows]
    if len(items) <= limit:
        return ValuePage(items)
    cut = items[limit].record_key
    kept = [item for item in items[:limit] if item.record_key != cut] or items[:limit]
    return ValuePage(kept, kept[-1].record_key)


def _own(session: AsyncSession) -> str:
    """SQL filter of a partner's rows; a separate statement, so that the planner uses the partner's index."""
    return "true" if scope_of(session).partner_id is None else "{}.partner_id = :partner"


def _whose(session: AsyncSession) -> dict[str, UUID]:
    scope = scope_of(session)
    return {"t": scope.tenant_id} if scope.partner_id is None else {"t": scope.tenant_id, "partner": scope.partner_id}
