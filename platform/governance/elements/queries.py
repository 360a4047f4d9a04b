"""Queries of custom elements."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from governance.elements.declarations import DECLARED_BY
from governance.elements.schemas import ElementView

_STORED: Final = tuple(
    name for name in ElementView.__struct_fields__ if name not in {"created_by", "declared_by", "retired_by"}
)
_BY: Final = "CASE WHEN e.tenant_id = :t THEN coalesce(e.{0}, '') ELSE '' END AS {0}"
"""As SQL: who declared or retired row e. The names of the MSP's staff are not shown to its clients."""


_SHOWN: Final = {"": "true", "current": "e.retired_at IS NULL", "retired": "e.retired_at IS NOT NULL"}


async def list_elements(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ElementView]:
    """One page of `elements.lists`: the account's own elements, and of a client its MSP's too."""
    scope = scope_of(session)
    source = ListSource(
        columns=", ".join(f"e.{name}" for name in _STORED)
        + f", {_BY.format('created_by')}, {_BY.format('retired_by')}, {DECLARED_BY} AS declared_by",
        tables="custom_element e",
        where=f"e.tenant_id IN (:t, :m) AND {_SHOWN[query['show']]}",
        binds={"t": scope.tenant_id, "m": scope.msp_id},
    )
    return (await read_page(session, source, query)).map(
        lambda row: ElementView(**{name: getattr(row, name) for name in ElementView.__struct_fields__})
    )
