"""Mails of an MSP and its clients, in fleet scope."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.i18n.messages import to_message
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from tenants.mail.messages import write_problem
from tenants.mail_admin.schemas import MailView

_COLUMNS: Final = (
    "m.id, m.tenant_id, coalesce(c.name, '') AS account, m.kind, m.recipient, m.state, m.created_at, m.sent_at, m.error"
)
_TABLES: Final = "mail m LEFT JOIN client c ON c.tenant_id = m.tenant_id"


async def list_mails(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[MailView]:
    """One page of `tenants.mail_admin.lists.MAILS`."""
    where, binds = ["m.msp_id = :msp_id"], {"msp_id": scope_of(session).msp_id}
    values: dict[str, object] = dict(binds)
    if query["status"]:
        where.append("m.state = :status")
        values["status"] = query["status"]
    if query["search"]:
        where.append("position(lower(:search) IN lower(m.recipient)) > 0")
        values["search"] = query["search"]
    source = ListSource(columns=_COLUMNS, tables=_TABLES, where=" AND ".join(where), binds=values)
    return (await read_page(session, source, query)).map(_view)


async def get_mail_view(session: AsyncSession, mail_id: UUID, all_mails: ListQuery) -> MailView:
    """Raises: NotFound."""
    binds = {"msp_id": scope_of(session).msp_id, "mail_id": mail_id}
    source = ListSource(columns=_COLUMNS, tables=_TABLES, where="m.msp_id = :msp_id AND m.id = :mail_id", binds=binds)
    found = (await read_page(session, source, msgspec.structs.replace(all_mails, cursor=None))).items
    if not found:
        raise NotFound
    return _view(found[0])


def _view(row: Row[tuple[object, ...]]) -> MailView:
    return MailView(
        id=row.id, tenant_id=row.tenant_id, account=row.account, kind=row.kind, recipient=row.recipient,
        state=row.state, created_at=row.created_at, sent_at=row.sent_at, error=write_problem(to_message(row.error)),
    )  # fmt: skip
