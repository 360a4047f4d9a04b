"""Proposals by a person or an API client for an element without a connected source of truth."""

from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import STOCK
from canonical.messages import Observation
from canonical.money import UnknownCurrency, minor_exponent
from canonical.values import Value
from connectors.ports import PayloadInvalid
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput
from foundation.telemetry.correlation import current_correlation
from governance.changes.ingest_job import load_snapshot
from governance.changes.plan_writer import write_plan
from governance.changes.planner import DecisionSnapshot, Plan, propose
from governance.changes.rows import Proposal
from governance.errors import NothingToChange, OwnedByItsSource
from governance.labels import name_subject, write_value
from governance.messages.reasons import NEWER_PROPOSAL
from governance.records.rows import ValueRow
from governance.records.validation import admit
from governance.services import GovernanceServices

ORIGIN = "proposal"


async def propose_change(
    session: AsyncSession, services: GovernanceServices, *, record_key: str, element: str, value: Value
) -> UUID:
    """Decide a value proposed by the scope's actor by policy. Returns the change.

    Neither the actor nor the creator of the actor's API key can approve it.

    Raises:
        OwnedByItsSource: a connected system is this element's source of truth.
        NothingToChange: the value is already approved or pending.
        InvalidInput: no contract is published for the element, or the value is invalid for it.
    """
    key = (record_key, element)
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),  # a first value has no row to lock
        {"name": f"proposal|{scope_of(session).tenant_id}|{record_key}|{element}"},
    )
    snapshot = await load_snapshot(session, services, [key])
    seen = _check(record_key, element, value, snapshot)
    row = snapshot.values.get(key)
    if row is not None and row.approved == value:
        raise NothingToChange(f"{name_subject(element, record_key)} is {write_value(value)} already.")
    if any(asked.change.value == value and asked.content_hash is not None for asked in snapshot.awaiting.get(key, ())):
        raise NothingToChange(f"{write_value(value)} waits for an answer already. Look at the approvals.")
    if row is None:
        row = ValueRow(record_key, element, value.amount, value.currency, seen.source_version, None)
    row = msgspec.structs.replace(
        row, source_amount=value.amount, source_currency=value.currency, source_event_id=None,
        source_version=max(seen.source_version, row.source_version), source_connection_id=None,
        source_committed_at=snapshot.now,
    )  # fmt: skip
    snapshot.values[key] = row
    actor = scope_of(session).actor
    proposal = Proposal(
        value=value, origin=ORIGIN, author=actor.id, maker=actor.counts_as or actor.on_behalf_of,
        committed_at=snapshot.now,
        source_event_id=None, correlation=current_correlation(),
    )  # fmt: skip
    plan = Plan(values={key: row}, superseded={key}, superseded_reason=NEWER_PROPOSAL.fill())
    change = propose(proposal, row, snapshot, plan)
    await write_plan(session, plan, snapshot)
    return change.id


def _check(record_key: str, element: str, value: Value, snapshot: DecisionSnapshot) -> Observation:
    contract = snapshot.contracts.get(element)
    if contract is None:
        raise InvalidInput("No contract is published for this element. Publish one first.", field="element")
    if contract.source_connection_id is not None:
        raise OwnedByItsSource("This element belongs to the system its contract names. Change it there.")
    if (element == STOCK) is bool(value.currency):
        raise InvalidInput("Prices come with a currency, stock without one.", field="currency")
    if value.currency:
        try:
            minor_exponent(value.currency)
        except UnknownCurrency as error:
            raise InvalidInput(str(error), field="currency") from error
    version = int(snapshot.now.timestamp() * 1_000_000)
    try:
        return admit(Observation(record_key, element, value, version, snapshot.now), received_at=snapshot.now)
    except PayloadInvalid as error:
        raise InvalidInput(str(error), field="record_key") from error
