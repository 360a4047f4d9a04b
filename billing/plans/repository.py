"""Plans of an MSP and their versions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.errors import PriceNotAllowed
from billing.plans.models import BillingPlan, PlanVersion
from billing.plans.schemas import PlanInput, PlanTermsInput, PlanVersionView, PlanView
from billing.plans.terms import PlanCopy, PlanTerms
from billing.sides import as_rater
from canonical.money import UnknownCurrency, minor_exponent
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.database.savepoint import savepoint
from foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from foundation.ids import NewId
from foundation.marks import N_
from foundation.names import clean_name
from foundation.scope import Scope
from foundation.text import is_storable

MOST_PLANS: Final = 500
_FARTHEST: Final = timedelta(days=3660)


async def create_plan(session: AsyncSession, new: PlanInput, *, now: datetime, new_id: NewId) -> UUID:
    """Create a plan with its first version, in the MSP account.

    Raises:
        PriceNotAllowed, InvalidInput: the terms or the name are not valid.
        Conflict: the MSP has a plan with this code, or too many plans.
    """
    scope = _require_msp_account(session)
    name, terms = clean_name(new.name), new.terms
    try:
        minor_exponent(new.currency)
    except UnknownCurrency as problem:
        raise PriceNotAllowed(
            N_("“{currency}” is not a currency of ISO 4217. A currency is three capital letters, such as EUR."),
            params={"currency": new.currency}, field="currency",
        ) from problem  # fmt: skip
    plan_id = new_id()
    own = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id}
    count = text("SELECT count(*) FROM plan WHERE tenant_id = :t")
    if int(await session.scalar(count, {"t": scope.tenant_id}) or 0) >= MOST_PLANS:
        raise Conflict(N_("There are {most} plans, which is the most."), params={"most": MOST_PLANS})
    plan = BillingPlan(
        **own, id=plan_id, code=new.code, name=name, currency=new.currency, created_at=now,
        created_by=scope.actor.name,
    )  # fmt: skip
    try:
        async with savepoint(session):
            session.add(plan)
            await session.flush()
    except IntegrityError:
        raise Conflict(
            N_("There is a plan with the code {code} already. Choose another code."), params={"code": new.code}
        ) from None
    await _add_version(session, plan_id, 1, terms, new.valid_from or now, now=now, new_id=new_id)
    data = {"code": new.code, "name": name, "currency": new.currency}
    append_audit(session, action=BillingAction.PLAN_CREATED, subject=f"plan:{plan_id}", data=data, at=now)
    return plan_id


async def add_version(
    session: AsyncSession, plan_id: UUID, new: PlanTermsInput, *, now: datetime, new_id: NewId
) -> int:
    """Add a version, for subscriptions that begin or change later; existing ones keep theirs. Returns its number.

    Raises:
        NotFound: the MSP has no such plan.
        Conflict: the plan is retired.
        PriceNotAllowed, InvalidInput: the terms are not valid.
    """
    scope = _require_msp_account(session)
    plan = await _lock_plan(session, scope, plan_id)
    terms = new.terms
    if plan.retired_at is not None:
        raise Conflict(N_("This plan is retired."))
    last = await session.scalar(
        text("SELECT max(number) FROM plan_version WHERE tenant_id = :t AND plan_id = :id"),
        {"t": scope.tenant_id, "id": plan_id},
    )
    number = int(last or 0) + 1
    await _add_version(session, plan_id, number, terms, new.valid_from or now, now=now, new_id=new_id)
    data = {"code": plan.code, "number": number, "terms": msgspec.to_builtins(terms)}
    append_audit(session, action=BillingAction.PLAN_CHANGED, subject=f"plan:{plan_id}", data=data, at=now)
    return number


async def retire_plan(session: AsyncSession, plan_id: UUID, *, now: datetime) -> None:
    """Retire a plan: no new subscription gets it, and existing ones continue.

    Raises:
        NotFound: the MSP has no such plan.
        Conflict: it is retired already.
    """
    scope = _require_msp_account(session)
    plan = await _lock_plan(session, scope, plan_id)
    if plan.retired_at is not None:
        raise Conflict(N_("This plan is retired."))
    await session.execute(
        text("UPDATE plan SET retired_at = :now, retired_by = :by WHERE tenant_id = :t AND id = :id"),
        {"t": scope.tenant_id, "id": plan_id, "now": now, "by": scope.actor.name},
    )
    data = {"code": plan.code}
    append_audit(session, action=BillingAction.PLAN_RETIRED, subject=f"plan:{plan_id}", data=data, at=now)


async def list_plans(session: AsyncSession, now: datetime) -> Sequence[PlanView]:
    """The MSP's plans by name, retired ones last; in the MSP account."""
    return await _views(session, now, "true", {})


async def load_plan(session: AsyncSession, plan_id: UUID, now: datetime) -> PlanView:
    """Return a plan, in the MSP account. Raises NotFound."""
    found = await _views(session, now, "p.id = :id", {"id": plan_id})
    if not found:
        raise NotFound
    return found[0]


async def list_offers(session: AsyncSession, now: datetime) -> Sequence[PlanView]:
    """Plans that a client of the scope's MSP can subscribe to; in any scope of the MSP's staff."""
    async with as_rater(session):
        found = await _views(session, now, "p.retired_at IS NULL", {})
    return [one for one in found if one.current is not None]


async def find_offer(session: AsyncSession, code: str, at: datetime, *, number: int | None = None) -> PlanCopy:
    """The version of a plan in force at `at`, or an earlier one with this number, of the MSP of the client's scope.

    Raises:
        InvalidInput: the MSP has no such plan, it has no version then, or that version is for later.
    """
    async with as_rater(session):
        plans = (
            await _views(session, at, "p.code = :code AND p.retired_at IS NULL", {"code": code})
            if is_storable(code)
            else ()
        )
    if not plans:
        raise InvalidInput(N_("There is no plan with the code {code}."), params={"code": code[:40]}, field="plan")
    plan, wanted = plans[0], number or plans[0].current
    if wanted is None:
        raise InvalidInput(N_("The plan is not offered yet."), field="plan")
    version = next((one for one in plan.versions if one.number == wanted), None)
    if version is None:
        raise InvalidInput(N_("The plan has no version {number}."), params={"number": wanted}, field="version")
    if version.valid_from > at:
        raise InvalidInput(
            N_("Version {number} of the plan is for subscriptions that begin or change later."),
            params={"number": wanted}, field="version",
        )  # fmt: skip
    return PlanCopy(version.id, plan.code, plan.name, version.number, plan.currency, version.terms)


async def _views(session: AsyncSession, now: datetime, where: str, binds: dict[str, Any]) -> Sequence[PlanView]:
    msp_id = scope_of(session).msp_id
    plans = await session.execute(
        text(f"""
            SELECT p.* FROM plan p WHERE p.tenant_id = :t AND {where}
             ORDER BY p.retired_at IS NOT NULL, p.name, p.id
        """),
        {"t": msp_id, **binds},
    )
    rows = plans.all()
    versions: dict[UUID, list[PlanVersionView]] = {row.id: [] for row in rows}
    found = await session.execute(
        text("""
            SELECT * FROM plan_version WHERE tenant_id = :t AND plan_id = ANY(:ids) ORDER BY plan_id, number DESC
        """),
        {"t": msp_id, "ids": list(versions)},
    )
    for row in found:
        versions[row.plan_id].append(
            PlanVersionView(
                row.id, row.number, msgspec.convert(row.terms, PlanTerms), row.valid_from, row.created_at,
                row.created_by,
            )
        )  # fmt: skip
    return [
        PlanView(
            row.id, row.code, row.name, row.currency, row.created_at, row.created_by, row.retired_at,
            next((one.number for one in versions[row.id] if one.valid_from <= now), None), versions[row.id],
        )
        for row in rows
    ]  # fmt: skip


async def _add_version(  # noqa: PLR0913 - keyword-only
    session: AsyncSession,
    plan_id: UUID,
    number: int,
    terms: PlanTerms,
    valid_from: datetime,
    *,
    now: datetime,
    new_id: NewId,
) -> None:
    scope = scope_of(session)
    if not abs(_seconds(valid_from) - _seconds(now)) <= _FARTHEST.total_seconds():
        raise InvalidInput(N_("Choose a day within ten years from now."), field="valid_from")
    session.add(
        PlanVersion(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=new_id(), plan_id=plan_id, number=number,
            terms=msgspec.to_builtins(terms), valid_from=valid_from, created_at=now, created_by=scope.actor.name,
        )
    )  # fmt: skip
    await session.flush()


async def _lock_plan(session: AsyncSession, scope: Scope, plan_id: UUID) -> Row[Any]:
    found = await session.execute(
        text("SELECT code, retired_at FROM plan WHERE tenant_id = :t AND id = :id FOR UPDATE"),
        {"t": scope.tenant_id, "id": plan_id},
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row


def _seconds(moment: datetime) -> float:
    """Seconds since the epoch, also for times whose UTC is before the year 1 or after 9999."""
    offset = moment.utcoffset() or timedelta(0)
    return (moment.replace(tzinfo=None) - datetime(2000, 1, 1)).total_seconds() - offset.total_seconds()  # noqa: DTZ001


def _require_msp_account(session: AsyncSession) -> Scope:
    scope = scope_of(session)
    if scope.fleet or scope.tenant_id != scope.msp_id:
        raise Forbidden(N_("Plans belong to the MSP's own account. Open that account and try again."))
    return scope
