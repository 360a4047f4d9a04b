"""Queries of a trading partner's own channels. Row-level security limits a partner to its own rows; the statements
filter by them as well.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import read_value
from connectors.health import IS_FAILING
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.ids import id_floor
from foundation.web.pagination import Keyset, ListQuery, ListSource, ResultPage, read_page
from governance.overview.queries import DAY, DECIDING
from governance.partner_channel.schemas import ChannelValueView
from governance.propagation.delivery import DELIVERY_SECONDS, LATE
from governance.propagation.queries import PROPAGATION_COLUMNS, to_propagation
from governance.propagation.schemas import PropagationView
from governance.propagation.states import RUNNING
from governance.records.keys import KEY_TYPES, key_columns, key_of
from governance.records.routing import IS_CHANNEL
from governance.records.titles import search_binds, searched_row

_NEWEST: Final = 20_000
"""Deliveries of the last 24 hours are counted up to this number."""
SHOWN: Final = "n.tenant_id = :t AND n.state <> 'deleted' AND {own}"
"""As SQL, of connection `n`: a system on which values are read."""


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


async def read_channel(session: AsyncSession, *, now: datetime) -> ChannelFigures:
    own = is_own(session)
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
                SELECT ARRAY(SELECT n.name FROM {CONNECTIONS} n
                              WHERE n.tenant_id = :t AND n.state <> 'deleted' AND {IS_CHANNEL.format("n")}
                                AND {own.format("n")}
                              ORDER BY n.name) AS channels,
                       ARRAY(SELECT n.name FROM {CONNECTIONS} n
                              WHERE n.tenant_id = :t AND {IS_CHANNEL.format("n")} AND n.state = 'paused'
                                AND {own.format("n")}
                              ORDER BY n.name) AS paused,
                       ARRAY(SELECT n.name FROM {CONNECTIONS} n
                              WHERE n.tenant_id = :t AND {IS_CHANNEL.format("n")} AND n.state = 'active'
                                AND {IS_FAILING}
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
                **scope_binds(session),
                "earliest": id_floor(now - DAY - DECIDING),
                "since": now - DAY,
                "newest": _NEWEST,
                "now": now,
            },
        )
    ).one()
    return ChannelFigures(
        row.channels, row.paused, row.failing, row.visible, row.changes, row.running, row.late, row.half_s
    )


async def list_propagations(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[PropagationView]:
    """One page of `partner_channel.lists`."""

    def source(keyset: Keyset) -> ListSource:
        return ListSource(
            columns=PROPAGATION_COLUMNS,
            tables=f"""(SELECT * FROM propagation p
                         WHERE p.tenant_id = :t AND {is_own(session).format("p")} AND {keyset.condition}
                         ORDER BY {keyset.order} LIMIT :page_rows) p
                  JOIN {CONNECTIONS} n ON n.tenant_id = :t AND n.id = p.connection_id""",
            where="true",
            binds=scope_binds(session),
        )

    return (await read_page(session, source, query)).map(lambda row: to_propagation(row, now))


async def list_shown(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ChannelValueView]:
    """One page of `partner_channel.lists`. Each channel's next rows are read from its own index."""
    own, searched, channel = is_own(session), query["search"].strip(), query["channel"].strip()
    wanted = f"AND {searched_row('v')}" if searched else ""

    def source(keyset: Keyset) -> ListSource:
        turn = "DESC" if "DESC" in keyset.order else "ASC"
        beyond = f"AND v.record_key {'<=' if turn == 'DESC' else '>='} CAST(:page_0 AS varchar)" if keyset.binds else ""
        return ListSource(
            columns=f"n.id, n.name, {key_columns('v')}, v.value, v.seen_at",
            tables=f"""{CONNECTIONS} n
                  CROSS JOIN LATERAL (
                    SELECT * FROM channel_value v
                     WHERE v.tenant_id = n.tenant_id AND v.connection_id = n.id AND {own.format("v")} {beyond}
                       AND {keyset.condition} {wanted}
                     ORDER BY {", ".join(f"v.{name} {turn}" for name in KEY_TYPES)} LIMIT :page_rows) v""",
            where=f"{SHOWN.format(own=own.format('n'))} AND (:channel = '' OR CAST(n.id AS varchar) = :channel)",
            binds=scope_binds(session) | {"channel": channel} | (search_binds(searched) if searched else {}),
        )

    return (await read_page(session, source, query)).map(
        lambda row: ChannelValueView(row.id, row.name, *key_of(row), read_value(row.value), row.seen_at)
    )


async def list_channels(session: AsyncSession) -> Sequence[tuple[str, str]]:
    """Id and name of each channel whose values are shown, by name."""
    rows = await session.execute(
        text(f"""
            SELECT CAST(n.id AS varchar) AS id, n.name FROM {CONNECTIONS} n
             WHERE {SHOWN.format(own=is_own(session).format("n"))} AND {IS_CHANNEL.format("n")} ORDER BY n.name, n.id
        """),
        scope_binds(session),
    )
    return [(row.id, row.name) for row in rows]


def is_own(session: AsyncSession) -> str:
    """SQL filter of a partner's rows; a separate statement, so that the planner uses the partner's index."""
    return "true" if scope_of(session).partner_id is None else "{}.partner_id = :partner"


def scope_binds(session: AsyncSession) -> dict[str, object]:
    scope = scope_of(session)
    return {"t": scope.tenant_id} if scope.partner_id is None else {"t": scope.tenant_id, "partner": scope.partner_id}
