"""Queries of dead letters."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.i18n.localizer import current_localizer
from foundation.i18n.messages import StoredMessage
from foundation.relations import DEAD_LETTERS
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from governance.dead_letters.schemas import DeadLetterView
from governance.messages.writer import write_message

_LETTER_FIELDS: Final = tuple(name for name in DeadLetterView.__struct_fields__ if name != "problem")


async def list_letters(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[DeadLetterView]:
    """One page of `dead_letters.lists`."""
    source = ListSource(
        columns=", ".join(_LETTER_FIELDS),
        tables=f"{DEAD_LETTERS} d",
        where="tenant_id = :t AND state = :state",
        binds={"t": scope_of(session).tenant_id, "state": query["status"]},
    )
    return (await read_page(session, source, query)).map(_letter)


async def find_letter(session: AsyncSession, letter_id: UUID) -> DeadLetterView:
    """Return a dead letter. Raises NotFound."""
    row = (
        await session.execute(
            text(f"SELECT {', '.join(_LETTER_FIELDS)} FROM {DEAD_LETTERS} d WHERE tenant_id = :t AND id = :id"),
            {"t": scope_of(session).tenant_id, "id": letter_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return _letter(row)


def _letter(row: Row[Any]) -> DeadLetterView:
    problem = msgspec.convert(row.error, StoredMessage)
    fields = {name: getattr(row, name) for name in _LETTER_FIELDS}
    return DeadLetterView(**fields | {"error": write_message(problem, current_localizer()), "problem": problem})
