"""Queries of scheduled proposals."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import read_value
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.i18n.messages import to_message
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from governance.messages.writer import write_reason
from governance.proposals.schemas import ScheduledProposalView

_COLUMNS: Final = ", ".join(f"p.{name}" for name in ScheduledProposalView.__struct_fields__)


async def list_scheduled(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ScheduledProposalView]:
    """One page of `proposals.lists`."""
    wanted, filters = {"status": query["status"], "key": query["key"]}, ["p.tenant_id = :t"]
    chosen = {name: value for name, value in wanted.items() if value}
    filters += [{"status": "p.state = :status", "key": "p.record_key = :key"}[name] for name in chosen]
    source = ListSource(
        columns=_COLUMNS, tables="scheduled_proposal p", where=" AND ".join(filters),
        binds={"t": scope_of(session).tenant_id, **chosen},
    )  # fmt: skip
    return (await read_page(session, source, query)).map(_view)


async def find_scheduled(session: AsyncSession, proposal_id: UUID) -> ScheduledProposalView:
    """Raises NotFound."""
    row = (
        await session.execute(
            text(f"SELECT {_COLUMNS} FROM scheduled_proposal p WHERE p.tenant_id = :t AND p.id = :id"),
            {"t": scope_of(session).tenant_id, "id": proposal_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return _view(row)


def _view(row: Row[Any]) -> ScheduledProposalView:
    own = {name: getattr(row, name) for name in ScheduledProposalView.__struct_fields__}
    failure = write_reason(to_message(row.failure), element=row.element) or ""
    return ScheduledProposalView(**own | {"value": read_value(row.value), "failure": failure})
