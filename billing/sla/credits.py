"""Terms of a client's service credits, the months that were measured, and the decisions about them."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.job_types import DRAFT_AGAIN, LANE
from billing.periods import calendar_month, parse_month
from billing.sla.assess import Breach
from billing.sla.states import SLA_CREDITS, SlaState
from billing.sla.terms import SlaBand, SlaTermsInput, check_terms
from billing.time_zone import load_time_zone
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, NotFound
from foundation.ids import NewId
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from foundation.reasons import clean_reason
from foundation.web.requests import RequestBody


class SlaDecisionInput(RequestBody, frozen=True):
    """A decision about a credit. The client can read the reason."""

    approve: bool
    reason: Annotated[str, msgspec.Meta(max_length=500)]


class SlaTermsView(msgspec.Struct, frozen=True):
    bands: Sequence[SlaBand]
    most_pct: Decimal
    from_month: date
    set_at: datetime
    set_by: str


class SlaCreditView(msgspec.Struct, frozen=True):
    """A measured month. `breaches` are the first of the `late` deliveries."""

    id: UUID
    month: date
    deliveries: int
    late: int
    breaches: Sequence[Breach]
    attained_pct: Decimal
    target_pct: Decimal
    credit_pct: Decimal
    state: SlaState
    measured_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None


class ServiceLevels(msgspec.Struct, frozen=True):
    """A client's terms, if it has any, and its months, the newest first."""

    terms: SlaTermsView | None
    months: Sequence[SlaCreditView]


async def set_sla_terms(session: AsyncSession, terms: SlaTermsInput, *, now: datetime) -> None:
    """Set the terms, in the client's scope. Months already measured do not change. Raises InvalidInput."""
    bands, scope = check_terms(terms), scope_of(session)
    typed = terms.from_month.strip()
    first = parse_month(typed) if typed else calendar_month(now, await load_time_zone(session))
    encoded = msgspec.json.encode(bands).decode()
    await session.execute(
        _SET,
        {
            "tenant": scope.tenant_id, "msp": scope.msp_id, "bands": encoded, "most": terms.most_pct,
            "first": first.start.date(), "now": now, "actor": scope.actor.name,
        },
    )  # fmt: skip
    data = {"bands": [f"{one.below_pct}={one.credit_pct}" for one in bands], "most_pct": str(terms.most_pct)}
    append_audit(session, action=BillingAction.SLA_TERMS_SET, subject="sla", data=data, at=now)


async def decide_sla_credit(
    session: AsyncSession, credit_id: UUID, decision: SlaDecisionInput, *, now: datetime, new_id: NewId
) -> None:
    """Approve or reject a proposed credit, in the client's scope. An approved one is on the next draft within moments.

    Raises:
        NotFound: the client has no such credit.
        Conflict: the credit is decided already, or no decision is due.
        InvalidInput: the reason is missing.
    """
    reason, scope = clean_reason(decision.reason), scope_of(session)
    keys = {"tenant": scope.tenant_id, "id": credit_id}
    state = await session.scalar(
        text("SELECT state FROM sla_credit WHERE tenant_id = :tenant AND id = :id FOR UPDATE"), keys
    )
    if state is None:
        raise NotFound
    if state != SlaState.PROPOSED:
        raise Conflict(N_("This credit does not wait for a decision."))
    decided = SLA_CREDITS.move(SlaState(state), SlaState.APPROVED if decision.approve else SlaState.REJECTED)
    await session.execute(
        text("""
            UPDATE sla_credit SET state = :state, decided_at = :now, decided_by = :actor, reason = :reason
             WHERE tenant_id = :tenant AND id = :id
        """),
        {**keys, "state": decided.value, "now": now, "actor": scope.actor.name, "reason": reason},
    )
    data = {"state": decided, "reason": reason}
    append_audit(session, action=BillingAction.SLA_CREDIT_DECIDED, subject=f"sla_credit:{credit_id}", data=data, at=now)
    enqueue(session, [NewJob(LANE, DRAFT_AGAIN, key=str(new_id()))])


async def load_service_levels(session: AsyncSession) -> ServiceLevels:
    """Load the client's terms and measured months, in its scope."""
    keys = {"tenant": scope_of(session).tenant_id}
    row = (await session.execute(_TERMS, keys)).mappings().one_or_none()
    terms = None if row is None else msgspec.convert(dict(row), SlaTermsView, strict=False)
    rows = (await session.execute(_MONTHS, keys)).mappings()
    return ServiceLevels(terms, [msgspec.convert(dict(one), SlaCreditView, strict=False) for one in rows])


_SET = text("""
    INSERT INTO sla_terms (tenant_id, msp_id, bands, most_pct, from_month, set_at, set_by)
    VALUES (:tenant, :msp, CAST(:bands AS jsonb), :most, :first, :now, :actor)
    ON CONFLICT (tenant_id) DO UPDATE SET bands = CAST(:bands AS jsonb), most_pct = :most, from_month = :first,
       set_at = :now, set_by = :actor
""")
_TERMS = text("SELECT bands, most_pct, from_month, set_at, set_by FROM sla_terms WHERE tenant_id = :tenant")
_MONTHS = text("""
    SELECT id, month, deliveries, late, breaches, attained_pct, target_pct, credit_pct, state, measured_at, decided_at,
           decided_by, reason
      FROM sla_credit WHERE tenant_id = :tenant ORDER BY month DESC LIMIT 60
""")
