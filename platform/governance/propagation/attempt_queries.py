"""Queries of delivery attempts for pages and the API."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import Value, to_value
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.i18n.messages import to_message
from foundation.marks import N_
from foundation.web.pagination import ListQuery, ListSource, ResultPage, Sort, SortKey, read_page
from governance.messages.writer import write_reason
from governance.propagation.schemas import AttemptView
from policy.redaction import is_hidden, unless_hidden

UNDER_WAY: Final = timedelta(minutes=1)
"""Longer than any call lasts: an older attempt without an answer will not get one."""


NEWEST_FIRST: Final = Sort(
    name="-started",
    label=N_("Newest first"),
    reverse_label=N_("Oldest first"),
    keys=[SortKey("a.id", "uuid", descending=True)],
)
_FIRST_PAGE: Final = ListQuery(list="attempts", sort=NEWEST_FIRST)


async def list_attempts(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[AttemptView]:
    """One page of the attempts of `query.parents["change_id"]` on all channels."""
    source = ListSource(
        columns="""a.id, a.connection_id, n.name AS channel, a.element, a.sent, a.is_retry, a.started_at, a.answered_at,
                   a.outcome, a.status_code, a.detail, a.retry_after, a.duration_ms, a.bytes, a.read""",
        tables=f"propagation_attempt a JOIN {CONNECTIONS} n ON n.tenant_id = a.tenant_id AND n.id = a.connection_id",
        where="a.tenant_id = :t AND a.change_id = :id",
        binds={"t": scope_of(session).tenant_id, "id": query.parents["change_id"]},
    )
    return (await read_page(session, source, query)).map(lambda row: _to_attempt(row, now))


async def list_latest_attempts(session: AsyncSession, change_id: UUID, *, now: datetime) -> Sequence[AttemptView]:
    """The newest attempts of a change, beside its detail."""
    return (await list_attempts(session, _FIRST_PAGE.inside({"change_id": change_id}), now)).items


def _to_attempt(row: Row[Any], now: datetime) -> AttemptView:
    waits = "in_progress" if now - row.started_at < UNDER_WAY else "unanswered"
    problem, element = to_message(row.detail), row.element
    return AttemptView(
        row.id, row.connection_id, row.channel, _sent(row.sent, element), row.is_retry, row.started_at,
        row.answered_at, row.outcome if row.answered_at is not None else waits, row.status_code,
        write_reason(problem, element=element), None if is_hidden(element) else problem, row.retry_after,
        row.duration_ms, row.bytes, unless_hidden(to_value(row.read), element),
    )  # fmt: skip


def _sent(document: object, element: str) -> Value:
    value = unless_hidden(to_value(document), element)
    if value is None:
        raise ValueError("an attempt without a value")  # the column is NOT NULL
    return value
