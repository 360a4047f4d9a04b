"""Retention of all clients of an MSP: longer periods than the defaults, legal holds, and the preview of a default."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.retention import DataClass
from governance.retention import repository
from governance.retention.plan import view_class
from governance.retention.schemas import DataClassView, DefaultView
from tenants.relations import CLIENTS

EnterAccount = Callable[[UUID], Awaitable[None]]
"""Switches the transaction to an account of the MSP."""
MOST_PREVIEWED: Final = 50
MOST_CLIENTS: Final = 500
MOST_HOLDS: Final = 100
OWN: Final = N_("Your own account")
_MOST_HOLDS: Final = 200
_RULES: Final = text("""
    SELECT data_class, '' AS record_key, keep_days, '' AS reason, NULL AS placed_at, '' AS placed_by
      FROM retention_policy WHERE tenant_id = :t AND element = ''
     UNION ALL
    (SELECT data_class, record_key, NULL, reason, placed_at, placed_by
       FROM legal_hold WHERE tenant_id = :t AND released_at IS NULL ORDER BY placed_at DESC, id LIMIT :most)
""")


class ClientName(msgspec.Struct, frozen=True):
    """A client; an empty `slug` is the MSP's own account."""

    tenant_id: UUID
    slug: str
    name: str


class LongerPeriod(msgspec.Struct, frozen=True):
    """A client that keeps a class of data longer than the default."""

    client: ClientName
    keep_days: int


class ClientHold(msgspec.Struct, frozen=True):
    """An active legal hold of a client."""

    client: ClientName
    data_class: str
    record_key: str
    reason: str
    placed_at: datetime
    placed_by: str


class FleetRetention(msgspec.Struct, frozen=True):
    """`longer` by class of data; `holds` newest first."""

    clients: Sequence[ClientName]
    longer: Mapping[str, Sequence[LongerPeriod]]
    holds: Sequence[ClientHold]

    @property
    def keeping_longer(self) -> int:
        return len({each.client.tenant_id for one in self.longer.values() for each in one})

    def held_clients(self, name: str) -> int:
        """Number of clients with a hold on a class of data, or on some of its records."""
        return len({hold.client.tenant_id for hold in self.holds if hold.data_class in ("", name)})


class PreviewLine(msgspec.Struct, frozen=True):
    client: ClientName
    view: DataClassView
    keeps_longer: bool


async def list_accounts(session: AsyncSession) -> list[ClientName]:
    """The MSP's own account and its clients by name, in the fleet's scope."""
    msp_id = scope_of(session).msp_id
    rows = await session.execute(
        text(
            f"SELECT tenant_id, slug, name FROM {CLIENTS} c WHERE msp_id = :m AND staff_access = 'standing'"
            " ORDER BY name, slug LIMIT :most"
        ),
        {"m": msp_id, "most": MOST_CLIENTS},
    )
    return [ClientName(msp_id, "", translate(OWN)), *(ClientName(row.tenant_id, row.slug, row.name) for row in rows)]


async def read_fleet_retention(
    session: AsyncSession, enter: EnterAccount, *, accounts: Sequence[ClientName], defaults: Sequence[DefaultView]
) -> FleetRetention:
    """Read each account in its own scope: retention rules are closed to the fleet's reader."""
    days = {one.name: one.keep_days for one in defaults}
    longer: dict[str, list[LongerPeriod]] = {one.name: [] for one in defaults}
    holds: list[ClientHold] = []
    for client in accounts:
        await enter(client.tenant_id)
        for row in await session.execute(_RULES, {"t": client.tenant_id, "most": _MOST_HOLDS}):
            if row.keep_days is None:
                holds.append(ClientHold(client, *row[:2], *row[3:]))
            elif row.keep_days > days.get(row.data_class, row.keep_days):
                longer[row.data_class].append(LongerPeriod(client, row.keep_days))
    return FleetRetention(
        [client for client in accounts if client.slug],
        {name: sorted(found, key=lambda each: (-each.keep_days, each.client.name)) for name, found in longer.items()},
        sorted(holds, key=lambda hold: hold.placed_at, reverse=True),
    )


async def preview_default(  # noqa: PLR0913 - keyword-only parts of one question
    session: AsyncSession,
    enter: EnterAccount,
    *,
    accounts: Sequence[ClientName],
    data_class: DataClass,
    keep_days: int,
    now: datetime,
) -> list[PreviewLine]:
    """Preview of the rows that each account would keep and delete with this default, read in the account's scope."""
    lines = []
    for client in accounts[:MOST_PREVIEWED]:
        await enter(client.tenant_id)
        rules = await repository.load_rules(session, client.tenant_id, scope_of(session).msp_id)
        rules = replace(rules, defaults={**rules.defaults, data_class.name: keep_days})
        view = await view_class(session, data_class, rules, now)
        lines.append(PreviewLine(client, view, view.keep_days > max(keep_days, data_class.least_days)))
    return lines
