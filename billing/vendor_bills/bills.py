"""Use cases of bills: store their rows, each once, and withdraw a bill."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.periods import parse_month
from billing.vendor_bills.models import VendorBill, VendorBillLine
from billing.vendor_bills.parse import ParsedLine, check_line
from billing.vendor_bills.schemas import LineResult, VendorBillInput, VendorLineInput, VendorReceipt
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.database.locks import lock
from foundation.errors import Conflict, DomainError, Forbidden, NotFound
from foundation.ids import NewId
from foundation.marks import N_

_Key = tuple[str, str]
"""Vendor and number."""


class KnownBill(msgspec.Struct, frozen=True):
    id: UUID
    month: str
    digests: Mapping[str, bytes]


async def store_bill_rows(
    session: AsyncSession, wanted: VendorBillInput, *, now: datetime, new_id: NewId
) -> VendorReceipt:
    """Store the rows of a request; each has its own result. In the MSP account. Raises InvalidInput: the month."""
    parsed = [_checked(place, line) for place, line in enumerate(wanted.lines, start=1)]
    return VendorReceipt.of(await store_rows(session, wanted.month, parsed, now=now, new_id=new_id))


def _checked(place: int, line: VendorLineInput) -> ParsedLine:
    try:
        return ParsedLine(place, check_line(line))
    except DomainError as error:
        return ParsedLine(place, error=error)


async def store_rows(
    session: AsyncSession, month: str, parsed: Sequence[ParsedLine], *, now: datetime, new_id: NewId
) -> Sequence[LineResult]:
    """Store the rows that are new. In the MSP account."""
    require_msp_account(session)
    month = clean_month(month)
    scope = scope_of(session)
    await lock(session, f"vendor_bill|{scope.msp_id}")
    known = await _load_known(session, parsed)
    results = plan_rows(month, parsed, known)
    ids = {key: bill.id for key, bill in known.items()}
    own = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id}
    rows: list[dict[str, Any]] = []
    for one, result in zip(parsed, results, strict=True):
        if one.line is None or result.result != "new":
            continue
        key = _key(one.line)
        if key not in ids:
            ids[key] = new_id()
            bill = VendorBill(
                **own, id=ids[key], month=month, vendor=key[0], number=key[1], created_at=now,
                created_by=scope.actor.name,
            )  # fmt: skip
            session.add(bill)
        rows.append({**own, "id": new_id(), "bill_id": ids[key], "created_at": now, **_columns(one.line)})
    await session.flush()
    if rows:
        await session.execute(insert(VendorBillLine), rows)
        data = {"lines": len(rows), "bills": len({row["bill_id"] for row in rows})}
        append_audit(
            session, action=BillingAction.VENDOR_BILL_STORED, subject=f"vendor_bills:{month}", data=data, at=now
        )
    return results


async def preview_rows(session: AsyncSession, month: str, parsed: Sequence[ParsedLine]) -> Sequence[LineResult]:
    """Preview the results of storing the rows. Also in a fleet scope."""
    return plan_rows(clean_month(month), parsed, await _load_known(session, parsed))


def plan_rows(month: str, parsed: Sequence[ParsedLine], known: Mapping[_Key, KnownBill]) -> Sequence[LineResult]:
    """Result of storing each row. No input or output."""
    digests: dict[tuple[str, str, str], bytes] = {
        (*key, line): digest for key, bill in known.items() for line, digest in bill.digests.items()
    }
    results: list[LineResult] = []
    refused: set[_Key] = set()
    for one in parsed:
        try:
            results.append(LineResult(one.place, _plan(month, one, known, digests)))
        except DomainError as error:
            results.append(_wrong(one, error))
            if one.line is not None:
                refused.add(_key(one.line))
    return [_whole(result, one, refused) for result, one in zip(results, parsed, strict=True)]


def _whole(result: LineResult, one: ParsedLine, refused: Collection[_Key]) -> LineResult:
    """The result, or a refusal if a row of its bill contradicts the stored one: lines without a number are numbered by
    position, so an added or missing row shifts all that follow.
    """
    if result.result != "new" or one.line is None or _key(one.line) not in refused:
        return result
    problem = Conflict(N_("Another line of this bill is refused, so nothing of it is stored. Correct or withdraw it."))
    return _wrong(one, problem)


def _wrong(one: ParsedLine, problem: DomainError) -> LineResult:
    raw = one.raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
    return LineResult(one.place, "wrong", problem.code, problem.detail, raw)


def _plan(
    month: str, one: ParsedLine, known: Mapping[_Key, KnownBill], digests: dict[tuple[str, str, str], bytes]
) -> Literal["new", "existing"]:
    """Raises DomainError."""
    if one.line is None:
        raise one.error or NotFound()
    key = _key(one.line)
    if key in known and known[key].month != month:
        raise Conflict(
            N_("The bill {number} of {vendor} is one of {month} already."),
            params={"vendor": key[0], "number": key[1], "month": known[key].month},
        )
    digest, place = _digest(one.line), (*key, one.line.line)
    if place not in digests:
        digests[place] = digest
        return "new"
    if digests[place] != digest:
        raise Conflict(
            N_("The line {line} of the bill {number} is stored with other content. Withdraw the bill to replace it."),
            params={"line": one.line.line, "number": key[1]},
        )
    return "existing"


async def withdraw_bill(session: AsyncSession, bill_id: UUID, *, now: datetime) -> None:
    """Take a bill out of all figures. Its rows stay stored. In the MSP account.

    Raises:
        NotFound: the MSP has no such bill.
        Conflict: it is withdrawn already.
    """
    scope = scope_of(session)
    bill = await session.get(VendorBill, (scope.tenant_id, bill_id), with_for_update=True)
    if bill is None:
        raise NotFound
    if bill.withdrawn_at is not None:
        raise Conflict(N_("This bill is withdrawn already."))
    bill.withdrawn_at, bill.withdrawn_by = now, scope.actor.name
    data = {"vendor": bill.vendor, "number": bill.number, "month": bill.month}
    append_audit(
        session, action=BillingAction.VENDOR_BILL_WITHDRAWN, subject=f"vendor_bill:{bill_id}", data=data, at=now
    )


def require_msp_account(session: AsyncSession) -> None:
    """Raises Forbidden."""
    scope = scope_of(session)
    if scope.fleet or scope.tenant_id != scope.msp_id:
        raise Forbidden(N_("Vendor bills belong to the MSP's own account. Open that account and try again."))


def clean_month(month: str) -> str:
    """Raises InvalidInput."""
    return f"{parse_month(month).start:%Y-%m}"


async def _load_known(session: AsyncSession, parsed: Iterable[ParsedLine]) -> Mapping[_Key, KnownBill]:
    keys = sorted({_key(one.line) for one in parsed if one.line is not None})
    rows = await session.execute(
        text("""
            SELECT b.id, b.vendor, b.number, b.month, l.line, l.digest
              FROM unnest(CAST(:vendors AS varchar[]), CAST(:numbers AS varchar[])) AS k (vendor, number)
              JOIN vendor_bill b ON b.tenant_id = :msp AND b.vendor = k.vendor AND b.number = k.number
                                AND b.withdrawn_at IS NULL
              JOIN vendor_bill_line l ON l.tenant_id = b.tenant_id AND l.bill_id = b.id
        """),
        {
            "msp": scope_of(session).msp_id, "vendors": [vendor for vendor, _ in keys],
            "numbers": [number for _, number in keys],
        },
    )  # fmt: skip
    found: dict[_Key, tuple[UUID, str, dict[str, bytes]]] = {}
    for row in rows:
        found.setdefault((row.vendor, row.number), (row.id, row.month, {}))[2][row.line] = row.digest
    return {key: KnownBill(*each) for key, each in found.items()}


def _key(line: VendorLineInput) -> _Key:
    return line.vendor, line.bill_number


def _columns(line: VendorLineInput) -> dict[str, Any]:
    return {
        "line": line.line, "vendor": line.vendor, "client_key": line.client_key, "client_name": line.client_name,
        "product_code": line.product_code, "description": line.description, "quantity": line.quantity,
        "unit_cost": line.unit_cost, "amount": line.amount, "currency": line.currency,
        "service_from": line.service_from, "service_to": line.service_to, "digest": _digest(line),
    }  # fmt: skip


def _digest(line: VendorLineInput) -> bytes:
    """Equal for numbers that are written differently, such as 1 and 1.00."""
    numbers = {name: getattr(line, name).normalize() + 0 for name in ("quantity", "unit_cost", "amount")}
    return sha256(msgspec.json.encode(msgspec.structs.replace(line, **numbers))).digest()
