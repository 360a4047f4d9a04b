"""Reading and setting of an account's rate limits."""

from datetime import datetime

import msgspec
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.web.rate_limit import DEFAULT_LIMITS
from tenants.accounts import get_client, get_msp
from tenants.limits import limits_of
from tenants.models import Client, Msp
from tenants.rate_limits.audit_actions import RateLimitAction
from tenants.rate_limits.schemas import LEAST, MOST, RateLimitInput, RateLimitView


async def load_rate_limits(session: AsyncSession) -> RateLimitView:
    """The limits of the scope's account."""
    account = await _account(session)
    limits = limits_of(account)
    return RateLimitView(
        limits.per_caller, limits.per_account, account.requests_per_caller, account.requests_per_account
    )


async def set_rate_limits(session: AsyncSession, wanted: RateLimitInput, *, now: datetime) -> RateLimitView:
    """Set the limits of the scope's account. They apply from the next request on.

    Raises:
        InvalidInput: a limit is too low or too high, or the account's is lower than one caller's.
    """
    for field in ("per_caller", "per_account"):
        value = getattr(wanted, field)
        if value is not None and not LEAST <= value <= MOST:
            raise InvalidInput(
                N_("A limit is a number from {least} to {most}."), params={"least": LEAST, "most": MOST}, field=field
            )
    values = {"requests_per_caller": wanted.per_caller, "requests_per_account": wanted.per_account}
    account = await _account(session)
    caller = wanted.per_caller or DEFAULT_LIMITS.per_caller
    if caller > (wanted.per_account or DEFAULT_LIMITS.per_account):
        raise InvalidInput(N_("All callers together need at least the limit of one."), field="per_account")
    table = type(account)
    await session.execute(update(table).where(table.tenant_id == account.tenant_id).values(**values))
    append_audit(
        session, action=RateLimitAction.SET, subject=f"account:{account.tenant_id}", data=msgspec.to_builtins(wanted),
        at=now,
    )  # fmt: skip
    await session.refresh(account)
    return await load_rate_limits(session)


async def _account(session: AsyncSession) -> Client | Msp:
    scope = scope_of(session)
    return await (get_msp(session) if scope.tenant_id == scope.msp_id else get_client(session))
