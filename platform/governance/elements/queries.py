"""Queries of custom elements."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from governance.elements.schemas import ElementView


async def list_elements(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ElementView]:
    """One page of `elements.lists`."""
    source = ListSource(
        columns=", ".join(f"e.{name}" for name in ElementView.__struct_fields__),
        tables="custom_element e",
        where="e.tenant_id = :t",
        binds={"t": scope_of(session).tenant_id},
    )
    return (await read_page(session, source, query)).map(
        lambda row: ElementView(**{name: getattr(row, name) for name in ElementView.__struct_fields__})
    )
