"""Acts on a client's credit, and its view."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.job_types import DRAFT_AGAIN, LANE
from billing.time_zone import load_today
from billing.wallets.ledger import GrantedCredit, grant_credit, withdraw_credit
from billing.wallets.schemas import (
    CreditBalance,
    CreditRuleInput,
    CreditRuleView,
    CurrencyBalance,
    GrantView,
    MoveView,
    NewGrant,
)
from billing.wallets.states import GIVEN
from canonical.money import UnknownCurrency, minor_exponent
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import NewId
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from foundation.reasons import clean_reason

_LATEST: Final = 100
_LONGEST: Final = timedelta(days=36500)


async def give_credit(session: AsyncSession, new: NewGrant, *, now: datetime, new_id: NewId) -> UUID:
    """Grant prepaid or promotional credit, in the client's scope.

    Raises:
        InvalidInput: names the field.
    """
    reason, currency = clean_reason(new.reason), read_currency(new.currency)
    if new.kind not in GIVEN:
        raise InvalidInput(N_("Choose prepaid or promotional."), field="kind")
    if new.expires_on is not None and new.expires_on < await load_today(session, now):
        raise InvalidInput(N_("The last day is over."), field="expires_on")
    if new.expires_on is not None and new.expires_on > now.date() + _LONGEST:
        raise InvalidInput(N_("The last day is too far away."), field="expires_on")
    grant = GrantedCredit(
        kind=new.kind, currency=currency, amount_minor=new.amount_minor, reason=reason, priority=new.priority,
        expires_on=new.expires_on,
    )  # fmt: skip
    grant_id = await grant_credit(session, grant, now=now, new_id=new_id)
    data = {"kind": new.kind, "amount_minor": new.amount_minor, "currency": currency, "reason": reason}
    append_audit(session, action=BillingAction.CREDIT_GRANTED, subject=f"credit:{grant_id}", data=data, at=now)
    return grant_id


async def take_credit_back(session: AsyncSession, grant_id: UUID, reason: str, *, now: datetime, new_id: NewId) -> None:
    """Withdraw the rest of a grant, in the client's scope.

    Raises:
        NotFound: the client has no such grant.
        Conflict: nothing is left of it.
        InvalidInput: the reason is missing.
    """
    note = clean_reason(reason)
    taken = await withdraw_credit(session, grant_id, note, now=now, new_id=new_id)
    if taken is None:
        raise NotFound
    if not taken:
        raise Conflict(N_("Nothing is left of this credit."))
    data = {"amount_minor": taken, "reason": note}
    append_audit(session, action=BillingAction.CREDIT_WITHDRAWN, subject=f"credit:{grant_id}", data=data, at=now)


async def set_credit_rule(session: AsyncSession, rule: CreditRuleInput, *, now: datetime, new_id: NewId) -> None:
    """Set or remove the rule of a currency, in the client's scope. Raises InvalidInput."""
    currency, scope = read_currency(rule.currency), scope_of(session)
    keys = {"tenant": scope.tenant_id, "currency": currency}
    if not rule.low_minor and rule.top_up_minor:
        raise InvalidInput(N_("Enter below which amount."), field="low")
    if rule.low_minor:
        await session.execute(
            _SET_RULE,
            {
                **keys, "msp": scope.msp_id, "low": rule.low_minor, "top_up": rule.top_up_minor, "now": now,
                "actor": scope.actor.name,
            },
        )  # fmt: skip
    else:
        await session.execute(text("DELETE FROM credit_rule WHERE tenant_id = :tenant AND currency = :currency"), keys)
    data = {"low_minor": rule.low_minor, "top_up_minor": rule.top_up_minor}
    append_audit(session, action=BillingAction.CREDIT_RULE_SET, subject=f"credit:{currency}", data=data, at=now)
    enqueue(session, [NewJob(LANE, DRAFT_AGAIN, key=str(new_id()))])


async def load_credit(session: AsyncSession, now: datetime) -> CreditBalance:
    """The client's credit, in its scope."""
    keys = {"tenant": scope_of(session).tenant_id, "most": _LATEST, "today": await load_today(session, now)}
    balances = [CurrencyBalance(row.currency, row.available) for row in await session.execute(_BALANCES, keys)]
    grants = [msgspec.convert(dict(row), GrantView) for row in (await session.execute(_GRANTS, keys)).mappings()]
    moves = [msgspec.convert(dict(row), MoveView) for row in (await session.execute(_MOVES, keys)).mappings()]
    rules = [CreditRuleView(**row) for row in (await session.execute(_RULES, keys)).mappings()]
    return CreditBalance(balances, grants, moves, rules)


def read_currency(typed: str) -> str:
    """Raises InvalidInput."""
    currency = typed.strip().upper()
    try:
        minor_exponent(currency)
    except UnknownCurrency:
        raise InvalidInput(N_("Enter the currency of the amount, such as EUR."), field="currency") from None
    return currency


_SET_RULE = text("""
    INSERT INTO credit_rule (tenant_id, msp_id, currency, low_minor, top_up_minor, set_at, set_by)
    VALUES (:tenant, :msp, :currency, :low, :top_up, :now, :actor)
    ON CONFLICT (tenant_id, currency) DO UPDATE
       SET low_minor = :low, top_up_minor = :top_up, set_at = :now, set_by = :actor, noticed_at = NULL
""")
_BALANCES = text("""
    SELECT currency, coalesce(sum(left_minor) FILTER (WHERE expires_on IS NULL OR expires_on >= :today), 0)::bigint
               AS available
      FROM credit_grant WHERE tenant_id = :tenant GROUP BY currency ORDER BY currency
""")
_GRANTS = text("""
    SELECT id, kind, currency, amount_minor, left_minor, priority, expires_on, invoice_id, reason, granted_at,
           granted_by
      FROM credit_grant WHERE tenant_id = :tenant
     ORDER BY left_minor = 0, priority, expires_on NULLS LAST, granted_at DESC, id LIMIT :most
""")
_MOVES = text("""
    SELECT t.id, t.grant_id, t.kind, g.currency, t.amount_minor, t.invoice_id, t.note, t.at, t.actor
      FROM credit_transaction t JOIN credit_grant g ON g.tenant_id = t.tenant_id AND g.id = t.grant_id
     WHERE t.tenant_id = :tenant ORDER BY t.at DESC, t.id DESC LIMIT :most
""")
_RULES = text("""
    SELECT currency, low_minor, top_up_minor, set_at, set_by FROM credit_rule WHERE tenant_id = :tenant
     ORDER BY currency
""")
