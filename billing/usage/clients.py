"""Usage of several clients in one report."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text

from billing.usage.report import report_usage
from billing.usage.schemas import ClientUsageBatch, ReportedEvent, UsageEventInput, UsageReceipt
from foundation.database.engine import write_in
from foundation.errors import DomainError, NotFound
from foundation.ids import new_id
from foundation.marks import N_
from tenants.access import Access
from tenants.principal import home_scope
from tenants.relations import CLIENTS

_NO_CLIENT: Final = N_("You have no client with this short name.")


async def report_for_clients(access: Access, batch: ClientUsageBatch) -> UsageReceipt:
    """Store each client's events in its account. Results in the order of the request. `access` reads the fleet.

    Usage of a client that admits staff on request only is refused; the client's own route accepts it while access is
    granted.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, event in enumerate(batch.events):
        places[event.client].append(place)
    accounts = await _accounts_of(access, places)
    results: dict[int, ReportedEvent] = {}
    for slug, own in sorted(places.items()):  # in one order, so that two batches cannot deadlock
        events = [_without_client(batch.events[place]) for place in own]
        items = await _report(access, accounts.get(slug), batch.source, events)
        results |= dict(zip(own, items, strict=True))
    await access.enter_home()
    return UsageReceipt.of([results[place] for place in range(len(batch.events))])


async def _report(
    access: Access, account: UUID | None, source: str, events: Sequence[UsageEventInput]
) -> Sequence[ReportedEvent]:
    try:
        if account is None:
            raise NotFound(_NO_CLIENT)
        await access.enter_account(account)
    except DomainError as refusal:
        return [ReportedEvent(event.id, "refused", refusal.code, refusal.detail) for event in events]
    receipt = await report_usage(access.session, source, events, now=access.now, new_id=new_id)
    await write_in(access.session, home_scope(access.principal))
    return receipt.items


async def _accounts_of(access: Access, slugs: Collection[str]) -> Mapping[str, UUID]:
    rows = await access.session.execute(
        text(f"SELECT slug, tenant_id FROM {CLIENTS} c WHERE msp_id = :m AND slug = ANY (:slugs)"),
        {"m": access.scope.msp_id, "slugs": list(slugs)},
    )
    return {row.slug: row.tenant_id for row in rows}


def _without_client(event: UsageEventInput) -> UsageEventInput:
    return UsageEventInput(
        id=event.id, meter=event.meter, occurred_at=event.occurred_at, quantity=event.quantity,
        dimensions=event.dimensions, reverses=event.reverses,
    )  # fmt: skip
