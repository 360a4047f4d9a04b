"""Storage of legal entities, tax rates and billing details, and the next number of a series."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.legal_entities.numbers import series_of, write_number
from billing.legal_entities.parties import check_entity, check_party, check_rate
from billing.legal_entities.schemas import (
    BillingDetailsInput,
    BillingDetailsView,
    Issuer,
    LegalEntityInput,
    LegalEntityView,
    TaxRateInput,
    TaxRateView,
)
from billing.legal_entities.tax import TaxCategory, TaxRule, TaxSourceKind, VatCheckKind
from billing.sides import Side, as_rater
from billing.vat_register.store import CHECK_VAT_ID, LANE
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, Forbidden, InvalidInput
from foundation.ids import NewId
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from foundation.scope import Scope
from tenants.accounts import get_client, get_msp

_ENTITY = ", ".join(LegalEntityView.__struct_fields__)
_DETAILS = ", ".join(BillingDetailsView.__struct_fields__)
_INPUT = LegalEntityInput.__struct_fields__
_BUYER = tuple(name for name in BillingDetailsInput.__struct_fields__ if name != "payer")


async def set_legal_entity(
    session: AsyncSession, entity: LegalEntityInput, *, side: Side, now: datetime, new_id: NewId
) -> None:
    """Set the issuer of a side's invoices, in the scope of the MSP account. The caller checks that only the operator
    sets the wholesale side. Issued invoices do not change.

    Raises:
        InvalidInput: names the field.
    """
    scope = _msp_account(session)
    checked = check_entity(entity, side)
    values = {name: getattr(checked, name) for name in _INPUT} | {
        "dunning_days": list(checked.dunning_days),
        "tax_source": checked.tax_source.value,
        "vat_check": checked.vat_check.value,
    }
    if checked.tax_source is TaxSourceKind.STRIPE and not await _has_stripe(session):
        raise InvalidInput(N_("Set your account at Stripe first: Stripe Tax belongs to it."), field="tax_source")
    async with as_rater(session):
        await session.execute(
            text(f"""
                INSERT INTO legal_entity (tenant_id, msp_id, id, side, updated_at, {", ".join(_INPUT)})
                VALUES (:tenant, :tenant, :id, :side, :now, {", ".join(f":{name}" for name in _INPUT)})
                ON CONFLICT (tenant_id, side) DO UPDATE SET updated_at = excluded.updated_at,
                    {", ".join(f"{name} = excluded.{name}" for name in _INPUT)}
            """),
            {**values, "tenant": scope.tenant_id, "id": new_id(), "side": side.value, "now": now},
        )
    append_audit(session, action=BillingAction.LEGAL_ENTITY_SET, subject=f"legal_entity:{side}", data=values, at=now)


async def add_tax_rate(session: AsyncSession, rate: TaxRateInput, *, side: Side, now: datetime) -> None:
    """Add a domestic rate, in the scope of the MSP account.

    Raises:
        InvalidInput: names the field.
        Conflict: another rate begins on this day.
    """
    scope, checked = _msp_account(session), check_rate(rate)
    keys = {"tenant": scope.tenant_id, "side": side.value, "now": now, **msgspec.structs.asdict(checked)}
    async with as_rater(session):
        if await _has_entity(session, scope, side) is None:
            raise Conflict(N_("Enter the legal entity first. Its tax rates belong to it."))
        made = await session.scalar(
            text("""
                INSERT INTO tax_rate (tenant_id, msp_id, side, valid_from, category, percent, reason, created_at)
                VALUES (:tenant, :tenant, :side, :valid_from, :category, :percent, :reason, :now)
                ON CONFLICT DO NOTHING RETURNING valid_from
            """),
            keys | {"category": checked.category.value},
        )
    if made is None:
        raise Conflict(N_("A tax rate that begins on this day already exists. Choose another day."))
    data = {"side": side, **msgspec.to_builtins(checked)}
    append_audit(
        session, action=BillingAction.TAX_RATE_ADDED, subject=f"tax_rate:{checked.valid_from}", data=data, at=now
    )


async def find_issuer(session: AsyncSession, side: Side) -> Issuer | None:
    """The legal entity of the scope's MSP with its rates. In any scope of that MSP with the rater's rights, and in the
    MSP account and the fleet for reading.
    """
    scope = scope_of(session)
    keys = {"tenant": scope.msp_id, "side": side.value}
    found = (
        await session.execute(
            text(f"SELECT {_ENTITY} FROM legal_entity WHERE tenant_id = :tenant AND side = :side"), keys
        )
    ).one_or_none()
    if found is None:
        return None
    rates = await session.execute(
        text("""
            SELECT valid_from, category, percent, reason FROM tax_rate
             WHERE tenant_id = :tenant AND side = :side ORDER BY valid_from DESC
        """),
        keys,
    )
    kinds = {"tax_source": TaxSourceKind(found.tax_source), "vat_check": VatCheckKind(found.vat_check)}
    entity = LegalEntityView(**_fields(found) | kinds)
    return Issuer(entity, [TaxRateView(**_fields(row)) for row in rates])


def rate_on(issuer: Issuer, day: date) -> TaxRule | None:
    """The domestic rate on `day`; None before the first."""
    for rate in issuer.rates:
        if rate.valid_from <= day:
            return TaxRule(TaxCategory(rate.category), Decimal(rate.percent).normalize(), rate.reason)
    return None


async def take_number(session: AsyncSession, side: Side, number_format: str, day: date) -> str:
    """The next number of the format's series, with the rater's rights. Its row is locked until the transaction ends, so
    that a rollback leaves no gap.
    """
    scope = scope_of(session)
    account = ""
    if "{account}" in number_format:
        account = (await (get_msp(session) if scope.tenant_id == scope.msp_id else get_client(session))).slug
    series = series_of(number_format, day, account)
    number = await session.scalar(
        text("""
            INSERT INTO number_series AS s (tenant_id, msp_id, side, series, last)
            VALUES (:msp, :msp, :side, :series, 1)
            ON CONFLICT (tenant_id, side, series) DO UPDATE SET last = s.last + 1 RETURNING last
        """),
        {"msp": scope.msp_id, "side": side.value, "series": series},
    )
    return write_number(number_format, series, int(number or 0))


async def set_billing_details(
    session: AsyncSession, details: BillingDetailsInput, *, payer_id: UUID | None, now: datetime
) -> None:
    """Set the buyer of the scope's invoices. `payer_id` is the client that `details.payer` names; the caller finds it.

    Raises:
        InvalidInput: names the field.
    """
    scope, checked = scope_of(session), check_party(details)
    if payer_id == scope.tenant_id:
        raise InvalidInput(N_("A client cannot be its own payer."), field="payer")
    values = {
        **{name: getattr(checked, name).strip() for name in _BUYER}, "tenant": scope.tenant_id, "msp": scope.msp_id,
        "payer": payer_id, "keeps": details.payer is None, "now": now,
    }  # fmt: skip
    await session.execute(
        text(f"""
            INSERT INTO billing_details AS d (tenant_id, msp_id, payer_id, updated_at, {", ".join(_BUYER)})
            VALUES (:tenant, :msp, :payer, :now, {", ".join(f":{name}" for name in _BUYER)})
            ON CONFLICT (tenant_id) DO UPDATE SET updated_at = excluded.updated_at,
                payer_id = CASE WHEN :keeps THEN d.payer_id ELSE excluded.payer_id END,
                {", ".join(f"{name} = excluded.{name}" for name in _BUYER)}
        """),
        values,
    )
    if checked.vat_id and scope.tenant_id != scope.msp_id:
        enqueue(session, [NewJob(LANE, CHECK_VAT_ID, key="vat_id")])
    data = {name: values[name] for name in _BUYER} | {"payer": details.payer}
    append_audit(
        session, action=BillingAction.BILLING_DETAILS_SET, subject=f"account:{scope.tenant_id}", data=data, at=now
    )


async def find_billing_details(session: AsyncSession, tenant_id: UUID | None = None) -> BillingDetailsView | None:
    """The buyer of the scope's invoices, or of another account's, for which the rater's rights are needed."""
    found = await session.execute(
        text(f"SELECT {_DETAILS} FROM billing_details WHERE tenant_id = :tenant"),
        {"tenant": tenant_id or scope_of(session).tenant_id},
    )
    row = found.one_or_none()
    return None if row is None else BillingDetailsView(**_fields(row))


async def _has_stripe(session: AsyncSession) -> bool:
    """Whether clients of the scope's MSP pay by Stripe."""
    found = await session.scalar(
        text("SELECT 1 FROM payment_account WHERE tenant_id = :tenant AND provider = 'stripe'"),
        {"tenant": scope_of(session).tenant_id},
    )
    return found is not None


async def _has_entity(session: AsyncSession, scope: Scope, side: Side) -> UUID | None:
    found: UUID | None = await session.scalar(
        text("SELECT id FROM legal_entity WHERE tenant_id = :tenant AND side = :side"),
        {"tenant": scope.tenant_id, "side": side.value},
    )
    return found


def _fields(row: Row[Any]) -> dict[str, Any]:
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented accessor


def _msp_account(session: AsyncSession) -> Scope:
    scope = scope_of(session)
    if scope.fleet or scope.tenant_id != scope.msp_id:
        raise Forbidden(N_("Legal entities belong to the MSP's own account. Open that account and try again."))
    return scope
