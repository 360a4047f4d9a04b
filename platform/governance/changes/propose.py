"""Proposals by a person or an API client for an element without a connected source of truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from canonical.messages import Observation
from canonical.values import Value
from connectors.ports import PayloadInvalid
from foundation.database.engine import scope_of
from foundation.database.locks import lock
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.scope import Actor
from foundation.telemetry.correlation import current_correlation
from governance.changes.plan_writer import write_plan
from governance.changes.planner import DecisionSnapshot, Plan, propose
from governance.changes.read_observations import load_snapshot
from governance.changes.rows import ChangeRow, Proposal
from governance.elements.contracts import Contracts
from governance.elements.repository import load_contracts
from governance.elements.value_rules import find_rule_trouble
from governance.errors import NothingToChange, OwnedByItsSource
from governance.inputs import check_text
from governance.labels import name_subject, write_value
from governance.messages.reasons import NEWER_PROPOSAL
from governance.messages.writer import write_text
from governance.records.rows import ValueRow
from governance.records.validation import admit, find_trouble, to_microseconds
from governance.services import GovernanceServices

ORIGIN = "proposal"


@dataclass(frozen=True, slots=True)
class PlannedProposal:
    """The decision on a proposal before it is written: one change, or one per outcome where channels differ."""

    changes: Sequence[ChangeRow]
    plan: Plan
    snapshot: DecisionSnapshot


async def propose_change(  # noqa: PLR0913 - keyword-only parts of one proposal
    session: AsyncSession,
    services: GovernanceServices,
    *,
    key: ElementKey,
    value: Value,
    note: str = "",
    author: Actor | None = None,
) -> UUID:
    """Decide a proposed value by policy. Returns the id of the change. `author`: by default the scope's actor.

    Neither the author nor the creator of the author's API key can approve it.

    Raises:
        OwnedByItsSource: a connected system is this element's source of truth.
        NothingToChange: the value is already approved or pending.
        InvalidInput: no contract is published for the element, or the value is invalid for it.
    """
    planned = await plan_proposal(session, services, key=key, value=value, note=note, author=author)
    await write_plan(session, planned.plan, planned.snapshot)
    return planned.changes[0].id


async def plan_proposal(  # noqa: PLR0913 - keyword-only parts of one proposal
    session: AsyncSession,
    services: GovernanceServices,
    *,
    key: ElementKey,
    value: Value,
    note: str = "",
    author: Actor | None = None,
) -> PlannedProposal:
    """Plan the changes that `propose_change` writes. Raises the same errors."""
    note = check_text(note, "note")
    await lock(session, f"proposal|{scope_of(session).tenant_id}|{key.joined('|')}")  # a first value has no row to lock
    snapshot = await load_snapshot(session, services, [key])
    seen = _observe(key, value, snapshot)
    row = snapshot.values.get(key)
    _check_new(key, value, snapshot)
    if row is None:
        row = ValueRow(*key, value, seen.source_version, None)
    row = msgspec.structs.replace(
        row, source_value=value, source_event_id=None,
        source_version=max(seen.source_version, row.source_version), source_connection_id=None,
        source_committed_at=snapshot.now,
    )  # fmt: skip
    snapshot.values[key] = row
    actor = author or scope_of(session).actor
    proposal = Proposal(
        value=value, origin=ORIGIN, author=actor.id, on_behalf_of=actor.counts_as or actor.on_behalf_of,
        committed_at=snapshot.now,
        source_event_id=None, correlation=current_correlation(), note=note,
        author_roles=list(actor.proposer_roles),
    )  # fmt: skip
    plan = Plan(values={key: row}, superseded={key}, superseded_reason=NEWER_PROPOSAL.fill())
    return PlannedProposal(propose(proposal, row, snapshot, plan), plan, snapshot)


async def check_proposable(session: AsyncSession, key: ElementKey, value: Value) -> None:
    """Check that the value can be proposed. Raises OwnedByItsSource, InvalidInput: see `propose_change`."""
    _check_value(key, value, await load_contracts(session))


def _check_new(key: ElementKey, value: Value, snapshot: DecisionSnapshot) -> None:
    row = snapshot.values.get(key)
    if row is not None and row.value == value:
        raise NothingToChange(
            N_("{subject} is {value} already."), params={"subject": name_subject(key), "value": write_value(value)}
        )
    if any(
        pending.change.new_value == value and pending.content_hash is not None
        for pending in snapshot.awaiting.get(key, ())
    ):
        raise NothingToChange(
            N_("{value} is already pending approval. See the approvals."), params={"value": write_value(value)}
        )


def _check_value(key: ElementKey, value: Value, contracts: Contracts) -> None:
    contract = contracts.find(key)
    if contract is None:
        if contracts.has(key.element):
            raise InvalidInput(N_("No contract selects this record. Publish one first."), field="element")
        raise InvalidInput(N_("No contract is published for this element. Publish one first."), field="element")
    if contract.source_connection_id is not None:
        raise OwnedByItsSource(N_("This element belongs to the system its contract names. Change it there."))
    trouble = find_trouble(key, value, contract.declared)
    if trouble := trouble or find_rule_trouble(value, contract.rules, contract.version):
        raise InvalidInput(
            N_("{subject} cannot have this value: {problem}"),
            params={"subject": name_subject(key), "problem": write_text(trouble)},
            field="value",
        )


def _observe(key: ElementKey, value: Value, snapshot: DecisionSnapshot) -> Observation:
    """The proposal as an observation. Raises OwnedByItsSource, InvalidInput."""
    _check_value(key, value, snapshot.contracts)
    version = to_microseconds(snapshot.now)
    try:
        seen = Observation(
            key.record_key, key.element, value, version, snapshot.now, dimension=key.dimension,
            record_type=key.record_type,
        )  # fmt: skip
        return admit(seen, received_at=snapshot.now)
    except PayloadInvalid as error:
        raise InvalidInput(write_text(error.reason), field="record_key") from error
