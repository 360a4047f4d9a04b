"""Coupons of an MSP: create, retire, list."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.coupons.models import Coupon
from billing.coupons.schemas import CouponInput, CouponView
from billing.coupons.terms import TERM_NAMES, CouponDuration, CouponTerms
from canonical.money import UnknownCurrency, minor_exponent
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.database.locks import lock
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import NewId
from foundation.marks import N_
from foundation.names import clean_name
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page

_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9_-]{1,39}", re.ASCII)
_PRODUCT: Final = re.compile(r"[A-Za-z0-9][\w.:-]{0,79}", re.ASCII)
_WHOLE: Final = Decimal(100)
_STEP: Final = Decimal("0.001")
_COLUMNS: Final = f"""c.id, c.code, c.name, {", ".join(f"c.{name}" for name in TERM_NAMES)}, c.valid_from,
    c.max_clients, c.created_at, c.created_by, c.retired_at"""


async def create_coupon(session: AsyncSession, new: CouponInput, *, now: datetime, new_id: NewId) -> str:
    """Create a coupon, in the MSP account. Returns its code.

    Raises:
        InvalidInput: names the field.
        Conflict: the MSP has a coupon with this code, in use or retired.
    """
    scope = scope_of(session)
    code, terms = read_code(new.code), _terms_of(new)
    valid_from = new.valid_from or now.date()
    if terms.valid_until is not None and terms.valid_until < valid_from:
        raise InvalidInput(N_("The last day is before the first."), field="valid_until")
    await lock_coupon(session, code)
    if await _find(session, code) is not None:
        raise Conflict(N_("There is a coupon {code} already, in use or retired."), params={"code": code})
    session.add(
        Coupon(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=new_id(), code=code, name=clean_name(new.name),
            **{**msgspec.structs.asdict(terms), "only": list(terms.only)}, valid_from=valid_from,
            max_clients=new.max_clients, created_at=now, created_by=scope.actor.name,
        )
    )  # fmt: skip
    append_audit(
        session, action=BillingAction.COUPON_CREATED, subject=f"coupon:{code}", data={"name": new.name}, at=now
    )
    return code


async def retire_coupon(session: AsyncSession, code: str, *, now: datetime) -> None:
    """Retire a coupon, in the MSP account: no more clients get it, and those that have it keep it.

    Raises:
        NotFound: the MSP has no such coupon.
        Conflict: it is retired already.
    """
    code = read_code(code)
    await lock_coupon(session, code)
    found = await _find(session, code)
    if found is None:
        raise NotFound(N_("You have no coupon with this code."))
    if found.retired_at is not None:
        raise Conflict(N_("This coupon is retired already."))
    found.retired_at, found.retired_by = now, scope_of(session).actor.name
    append_audit(session, action=BillingAction.COUPON_RETIRED, subject=f"coupon:{code}", data={}, at=now)


async def list_coupons(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[CouponView]:
    """One page of the MSP's coupons, in a fleet scope, which counts their clients."""
    where = {"active": "c.retired_at IS NULL", "retired": "c.retired_at IS NOT NULL"}.get(query["show"], "true")
    source = ListSource(
        columns=f"{_COLUMNS}, {_CLIENTS}", tables="coupon c", where=f"c.tenant_id = :msp AND {where}",
        binds={"msp": scope_of(session).msp_id},
    )  # fmt: skip
    return (await read_page(session, source, query)).map(_view)


async def find_coupon(session: AsyncSession, code: str, *, now: datetime) -> CouponView:
    """A coupon that can be given to one more client, in a fleet scope. It is locked until the transaction ends.

    Raises:
        InvalidInput: the MSP has no such coupon.
        Conflict: the coupon is retired or no longer valid, or its limit of clients is reached.
    """
    code = read_code(code)
    await lock_coupon(session, code)
    rows = await session.execute(
        text(f"SELECT {_COLUMNS}, {_CLIENTS} FROM coupon c WHERE c.tenant_id = :msp AND c.code = :code"),
        {"msp": scope_of(session).msp_id, "code": code},
    )
    row = rows.one_or_none()
    if row is None:
        raise InvalidInput(N_("You have no coupon with this code."), field="code")
    found = _view(row)
    if found.retired_at is not None:
        raise Conflict(N_("This coupon is retired already."))
    if found.valid_until is not None and found.valid_until < now.date():
        raise Conflict(N_("This coupon is no longer valid."))
    if found.max_clients is not None and found.clients >= found.max_clients:
        raise Conflict(N_("As many clients have this coupon as may have it."))
    return found


async def lock_coupon(session: AsyncSession, code: str) -> None:
    """Lock a coupon's code until the transaction ends, to serialize its uses."""
    await lock(session, f"coupon|{scope_of(session).msp_id}|{code}")


def read_code(typed: str) -> str:
    """The code in capital letters. Raises InvalidInput."""
    code = typed.strip().upper()
    if not _CODE.fullmatch(code):
        raise InvalidInput(N_("A code has 2 to 40 letters, digits, - and _, such as SPRING-26."), field="code")
    return code


def _terms_of(new: CouponInput) -> CouponTerms:
    """Raises InvalidInput."""
    if (new.percent is None) == (new.amount_minor is None):
        raise InvalidInput(N_("Enter either a percentage or an amount."), field="percent")
    if new.percent is not None and not (
        new.percent.is_finite() and 0 < new.percent <= _WHOLE and new.percent == new.percent.quantize(_STEP)
    ):
        raise InvalidInput(N_("A percentage is above 0 and at most 100, with at most three decimals."), field="percent")
    currency = (new.currency or "").strip().upper() or None
    if (new.amount_minor is None) != (currency is None):
        raise InvalidInput(N_("Enter the currency of the amount, such as EUR."), field="currency")
    if currency is not None:
        try:
            minor_exponent(currency)
        except UnknownCurrency:
            raise InvalidInput(N_("Enter the currency of the amount, such as EUR."), field="currency") from None
    if (new.duration is CouponDuration.MONTHS) != (new.months is not None):
        raise InvalidInput(N_("Enter for how many months it is."), field="months")
    if new.recurring and (new.amount_minor is None or new.duration is CouponDuration.ONCE):
        raise InvalidInput(N_("Only an amount for several months begins again."), field="recurring")
    if wrong := [one for one in new.only if not _PRODUCT.fullmatch(one)]:
        raise InvalidInput(
            N_("There is no product or meter with the code {code}."), params={"code": wrong[0]}, field="only"
        )
    return CouponTerms(
        percent=new.percent, amount_minor=new.amount_minor, currency=currency, duration=new.duration, months=new.months,
        recurring=new.recurring, only=sorted(set(new.only)), valid_until=new.valid_until,
    )  # fmt: skip


async def _find(session: AsyncSession, code: str) -> Coupon | None:
    return await session.scalar(select(Coupon).where(Coupon.tenant_id == scope_of(session).msp_id, Coupon.code == code))


def _view(row: Row[Any]) -> CouponView:
    return msgspec.convert({name: getattr(row, name) for name in CouponView.__struct_fields__}, CouponView)


_CLIENTS: Final = """(SELECT count(DISTINCT g.tenant_id) FROM client_coupon g
                       WHERE g.msp_id = c.msp_id AND g.coupon_id = c.id) AS clients"""
