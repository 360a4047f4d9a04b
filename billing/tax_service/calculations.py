"""Storage of calculations, and the input on which each depends. In the client's scope."""

import hashlib
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.buyers import load_buyer
from billing.legal_entities.repository import find_issuer
from billing.legal_entities.schemas import LegalEntityView
from billing.legal_entities.tax import TaxAmount, TaxDetail, TaxRule, TaxSourceKind
from billing.line_kinds import LineKind
from billing.payments.port import ProviderRefused
from billing.payments.provider_invoices import problem_text
from billing.sides import Side, as_rater
from billing.snapshot import Buyer
from billing.states import OPEN
from billing.tax_service.port import TaxAnswer, TaxHeld, TaxQuestion
from billing.tax_service.schemas import TaxCalculationView
from foundation.clock import day_in
from foundation.database.engine import scope_of
from foundation.errors import DomainError
from foundation.i18n.messages import MessageText, encode_text, to_message
from foundation.marks import N_
from foundation.state_machine import in_sql

_SHOWN: Final = tuple(TaxCalculationView.__struct_fields__)
_NOT_CALCULATED: Final = N_(
    "The tax service has not calculated this draft as it is now. Calculate the tax, then finalise."
)


class CalculatedTax(msgspec.Struct, frozen=True):
    """Tax of an invoice's taxed lines, with the jurisdictions that charge it."""

    amount: TaxAmount
    details: tuple[TaxDetail, ...]
    external_id: str


def question_of(entity: LegalEntityView, buyer: Buyer, currency: str, net_minor: int, day: date) -> TaxQuestion:
    """Credit notes are calculated by their absolute amount."""
    return TaxQuestion(
        currency=currency, net_minor=abs(net_minor), seller_country=entity.country, seller_vat_id=entity.vat_id,
        street=buyer.street, postcode=buyer.postcode, city=buyer.city, country=buyer.country, vat_id=buyer.vat_id,
        tax_code=entity.tax_code, day=day.isoformat(),
    )  # fmt: skip


def hash_question(question: TaxQuestion) -> str:
    return hashlib.sha256(msgspec.json.encode(question)).hexdigest()


async def read_question(session: AsyncSession, invoice_id: UUID, *, now: datetime) -> tuple[TaxQuestion, int] | None:
    """The present input of an open retail draft, and its taxed net amount; None for other invoices, and where tax is
    calculated by own rates.

    Raises:
        PartyMissing: the buyer has no billing details.
    """
    async with as_rater(session):
        issuer = await find_issuer(session, Side.RETAIL)
        if issuer is None or issuer.entity.tax_source is not TaxSourceKind.STRIPE:
            return None
        found = await session.execute(_NET, {"tenant": scope_of(session).tenant_id, "id": invoice_id})
        row = found.one_or_none()
        if row is None:
            return None
        buyer = await load_buyer(session)
    day = day_in(issuer.entity.time_zone, now)
    return question_of(issuer.entity, buyer, row.currency, row.net, day), int(row.net)


async def require_calculated(
    session: AsyncSession, invoice_id: UUID, question: TaxQuestion, net_minor: int
) -> CalculatedTax:
    """The stored tax of exactly this input.

    Raises:
        TaxHeld: it is not calculated, or its calculation failed.
    """
    row = await find_calculation(session, invoice_id)
    if row is None or row.question_hash != hash_question(question) or row.rule is None:
        reason = "" if row is None else row.answer or problem_text(to_message(row.problem))
        if not reason:
            raise TaxHeld(_NOT_CALCULATED)
        raise TaxHeld(N_("The tax service has not calculated this draft: {reason}"), params={"reason": reason})
    sign = -1 if net_minor < 0 else 1
    amount = TaxAmount(msgspec.convert(row.rule, TaxRule, strict=False), net_minor, sign * row.tax_minor)
    details = tuple(msgspec.convert(one, TaxDetail, strict=False) for one in row.details)
    return CalculatedTax(amount, details, row.external_id)


async def has_tax_service(session: AsyncSession) -> bool:
    """Whether tax of the MSP's retail invoices is calculated by a tax service."""
    async with as_rater(session):
        issuer = await find_issuer(session, Side.RETAIL)
    return issuer is not None and issuer.entity.tax_source is not TaxSourceKind.OWN


async def find_calculation(session: AsyncSession, invoice_id: UUID) -> Row[Any] | None:
    found = await session.execute(
        text("SELECT * FROM tax_calculation WHERE tenant_id = :t AND invoice_id = :id"),
        {"t": scope_of(session).tenant_id, "id": invoice_id},
    )
    return found.one_or_none()


async def find_calculation_view(session: AsyncSession, tenant_id: UUID, invoice_id: UUID) -> TaxCalculationView | None:
    """For display. A fleet scope passes the client's id."""
    found = await session.execute(
        text("SELECT * FROM tax_calculation WHERE tenant_id = :t AND invoice_id = :id"),
        {"t": tenant_id, "id": invoice_id},
    )
    row = found.mappings().one_or_none()
    if row is None:
        return None
    values = {name: row[name] for name in _SHOWN}
    values["answer"] = row["answer"] or problem_text(to_message(row["problem"]))
    return msgspec.convert(values, TaxCalculationView, strict=False)


async def write_calculation(  # noqa: PLR0913 - one row
    session: AsyncSession, invoice_id: UUID, question: TaxQuestion, answer: TaxAnswer, rule: TaxRule, *,
    account_id: UUID, now: datetime,
) -> None:  # fmt: skip
    scope = scope_of(session)
    await session.execute(
        _WRITE,
        {
            "t": scope.tenant_id, "m": scope.msp_id, "id": invoice_id, "account": account_id,
            "hash": hash_question(question), "day": date.fromisoformat(question.day), "external": answer.external_id,
            "rule": msgspec.json.encode(rule).decode(), "net": question.net_minor, "tax": answer.tax_minor,
            "details": msgspec.json.encode(answer.details).decode(), "now": now,
        },
    )  # fmt: skip


async def write_tax_failure(  # noqa: PLR0913 - one row
    session: AsyncSession, invoice_id: UUID, failure: str, answer: str = "", problem: MessageText | None = None, *,
    now: datetime,
) -> None:  # fmt: skip
    """Store a failure, which is shown until an attempt succeeds."""
    scope = scope_of(session)
    await session.execute(
        text("""
            INSERT INTO tax_calculation AS c (tenant_id, msp_id, invoice_id, failure, answer, problem, failed_at)
            VALUES (:t, :m, :id, :f, :a, CAST(:p AS jsonb), :now)
            ON CONFLICT (tenant_id, invoice_id) DO UPDATE SET failure = excluded.failure, answer = excluded.answer,
                   problem = excluded.problem, failed_at = excluded.failed_at
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "id": invoice_id, "f": failure, "a": answer[:500],
            "p": encode_text(problem), "now": now,
        },
    )  # fmt: skip


async def write_tax_refusal(session: AsyncSession, invoice_id: UUID, refusal: DomainError, *, now: datetime) -> None:
    """Store a refusal: the provider's own words, or the sentence of another error."""
    answer = refusal.answer if isinstance(refusal, ProviderRefused) else ""
    problem = None if answer else refusal.reason
    await write_tax_failure(session, invoice_id, refusal.code, answer, problem, now=now)


async def write_transaction(session: AsyncSession, invoice_id: UUID, transaction_id: str, *, now: datetime) -> None:
    await session.execute(
        text("""
            UPDATE tax_calculation SET transaction_id = :x, recorded_at = :now, failure = '', answer = '',
                   problem = NULL
             WHERE tenant_id = :t AND invoice_id = :id
        """),
        {"t": scope_of(session).tenant_id, "id": invoice_id, "x": transaction_id, "now": now},
    )


_NET = text(f"""
    SELECT i.currency, coalesce(sum(l.amount_minor) FILTER (WHERE l.kind <> '{LineKind.TOP_UP}'), 0)::bigint AS net
      FROM invoice i LEFT JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
     WHERE i.tenant_id = :tenant AND i.id = :id AND i.side = 'retail' AND i.state IN ({in_sql(OPEN)})
     GROUP BY i.currency
""")
_WRITE = text("""
    INSERT INTO tax_calculation AS c (tenant_id, msp_id, invoice_id, account_id, question_hash, tax_day, external_id,
                                      rule, net_minor, tax_minor, details, calculated_at)
    VALUES (:t, :m, :id, :account, :hash, :day, :external, CAST(:rule AS jsonb), :net, :tax, CAST(:details AS jsonb),
            :now)
    ON CONFLICT (tenant_id, invoice_id) DO UPDATE SET
        account_id = excluded.account_id, question_hash = excluded.question_hash, tax_day = excluded.tax_day,
        external_id = excluded.external_id, rule = excluded.rule, net_minor = excluded.net_minor,
        tax_minor = excluded.tax_minor, details = excluded.details, calculated_at = excluded.calculated_at,
        failure = '', answer = '', problem = NULL, failed_at = NULL
""")
