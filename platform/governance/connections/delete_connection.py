"""Deletion of a connection, and its preview. History is preserved under the connection's name."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.connections import get_connection, list_secrets
from connectors.delete_connection import delete_connection_row
from connectors.poll_job import poll_lane
from connectors.translation.job_type import ingest_lane
from foundation.database.engine import scope_of
from foundation.jobs.enqueue import discard_jobs, set_timer
from foundation.relations import JOBS
from foundation.web.etags import changed_meanwhile
from governance.connections.schemas import ContractTaken, DeletionPreview
from governance.elements.models import ElementContract
from governance.elements.publish_contract import publish_contract
from governance.elements.remove_contract import remove_contract
from governance.elements.schemas import Workflow
from governance.elements.selectors import DEFAULT
from governance.exceptions.lifecycle import resolve_of_connection
from governance.job_types import CHECK_HEALTH, health_lane, push_lane, verify_lane
from governance.propagation.abandon import abandon_deliveries
from governance.propagation.settlement import drift_scan_timer

_MANY: Final = 10_000
_COUNTS: Final = text(f"""
    SELECT (SELECT count(*) FROM (SELECT 1 FROM propagation p WHERE p.tenant_id = :t AND p.connection_id = :c
                                     AND p.state NOT IN ('verified', 'superseded') LIMIT {_MANY}) x) AS deliveries,
           (SELECT count(*) FROM (SELECT 1 FROM propagation p WHERE p.tenant_id = :t AND p.connection_id = :c
                                     AND p.state IN ('verified', 'superseded') LIMIT {_MANY}) x) AS kept,
           (SELECT count(*) FROM (SELECT 1 FROM held_observation h WHERE h.tenant_id = :t AND h.connection_id = :c
                                   LIMIT {_MANY}) x) AS held,
           (SELECT count(*) FROM (SELECT 1 FROM {JOBS} j WHERE j.tenant_id = :t AND j.lane = ANY (:lanes)
                                   LIMIT {_MANY}) x) AS jobs
""")


async def preview_deletion(session: AsyncSession, connection_id: UUID) -> DeletionPreview:
    """Raises NotFound."""
    found = await get_connection(session, connection_id)
    counts = {"t": scope_of(session).tenant_id, "c": connection_id, "lanes": _lanes(connection_id)}
    row = (await session.execute(_COUNTS, counts)).one()
    taken = [
        ContractTaken(one.element, one.selector, one.selector == DEFAULT)
        for one in await _contracts(session, connection_id)
    ]
    secrets = len(await list_secrets(session, connection_id))
    return DeletionPreview(
        found.name, taken, row.deliveries, row.held, row.jobs, secrets, row.kept, found.revision
    )  # fmt: skip


async def delete_connection(session: AsyncSession, connection_id: UUID, *, revision: int, now: datetime) -> None:
    """Delete a connection. Contracts with a selector of which it is the source are removed, so that the default
    contract applies to their values; the source of a default contract becomes people and API clients. Approved values
    stay.

    Raises:
        NotFound: no such connection.
        PreconditionFailed: it has another revision than the preview had.
        Conflict: a contract with a selector has no default contract that could apply instead.
    """
    preview = await preview_deletion(session, connection_id)
    if preview.revision != revision:
        raise changed_meanwhile()
    for contract in await _contracts(session, connection_id):
        await _release(session, contract, now=now)
    await abandon_deliveries(session, connection_id)
    await session.execute(
        text("DELETE FROM held_observation WHERE tenant_id = :t AND connection_id = :c"),
        {"t": scope_of(session).tenant_id, "c": connection_id},
    )
    await resolve_of_connection(session, connection_id, now=now)
    await discard_jobs(session, _lanes(connection_id))
    await set_timer(session, **drift_scan_timer(connection_id), due_at=None)
    health = f"{CHECK_HEALTH.name}/{connection_id}"
    await set_timer(session, name=health, lane=health_lane(connection_id), job_type=CHECK_HEALTH, due_at=None)
    taken: dict[str, object] = {
        "contracts": [f"{one.element} {one.selector}".strip() for one in preview.contracts],
        "deliveries": preview.deliveries,
        "held_values": preview.held_values,
    }
    await delete_connection_row(session, connection_id, taken=taken, now=now)


def _lanes(connection_id: UUID) -> list[str]:
    return [lane(connection_id) for lane in (ingest_lane, push_lane, verify_lane, health_lane, poll_lane)]


async def _contracts(session: AsyncSession, connection_id: UUID) -> list[ElementContract]:
    """Contracts of which the connection is the source, those with a selector first: default ones then apply to their
    values.
    """
    found = await session.scalars(
        select(ElementContract)
        .where(
            ElementContract.tenant_id == scope_of(session).tenant_id,
            ElementContract.source_connection_id == connection_id,
        )
        .order_by(ElementContract.element, ElementContract.selector.desc())
    )
    return list(found)


async def _release(session: AsyncSession, contract: ElementContract, *, now: datetime) -> None:
    if contract.selector != DEFAULT:
        await remove_contract(session, element=contract.element, selector=contract.selector, now=now)
        return
    await publish_contract(
        session,
        element=contract.element,
        source_connection_id=None,
        owner=contract.owner,
        workflow=Workflow.of(contract.workflow),
        propagation_slo=timedelta(milliseconds=contract.propagation_slo_ms),
        correction_slo=timedelta(milliseconds=contract.correction_slo_ms),
        approval_ttl=timedelta(seconds=contract.approval_ttl_s),
        decision_slo=timedelta(milliseconds=contract.decision_slo_ms),
        now=now,
    )
