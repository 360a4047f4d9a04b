"""Use cases of files: store a file, show the results of its rows, and store the new ones."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.vendor_bills.bills import clean_month, preview_rows, require_msp_account, store_rows
from billing.vendor_bills.models import VendorUpload
from billing.vendor_bills.parse import ParsedLine, parse_bills
from billing.vendor_bills.schemas import LONGEST, LineResult, VendorTotal, VendorUploadDetail, VendorUploadView
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput, NotFound
from foundation.ids import NewId
from foundation.marks import N_
from foundation.names import clean_name


async def create_upload(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, content: bytes, *, month: str, vendor: str, now: datetime, new_id: NewId
) -> UUID:
    """Store a file, without its rows. The same file of the same month is one upload. In the MSP account.

    Raises:
        InvalidInput: the month, the vendor, or a file whose columns cannot be read.
    """
    require_msp_account(session)
    scope, month = scope_of(session), clean_month(month)
    vendor = clean_name(vendor, field="vendor") if vendor.strip() else ""
    if len(vendor) > LONGEST:
        raise InvalidInput(N_("A field has more than {most} characters."), params={"most": LONGEST}, field="vendor")
    digest = sha256(content).digest()
    known = await session.scalar(
        select(VendorUpload.id).where(
            VendorUpload.tenant_id == scope.tenant_id, VendorUpload.month == month, VendorUpload.vendor == vendor,
            VendorUpload.sha256 == digest,
        )
    )  # fmt: skip
    if known is not None:
        return known
    parsed = parse_bills(content, vendor)
    results = await preview_rows(session, month, parsed)
    upload_id = new_id()
    session.add(
        VendorUpload(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=upload_id, month=month, vendor=vendor, file=content,
            sha256=digest, rows=len(parsed), wrong=_wrong(results), uploaded_at=now, uploaded_by=scope.actor.name,
        )
    )  # fmt: skip
    await session.flush()
    return upload_id


async def store_upload(session: AsyncSession, upload_id: UUID, *, now: datetime, new_id: NewId) -> VendorUploadDetail:
    """Store the file's new rows. Idempotent. In the MSP account. Raises NotFound."""
    upload = await _find(session, upload_id)
    parsed = parse_bills(upload.file, upload.vendor)
    results = await store_rows(session, upload.month, parsed, now=now, new_id=new_id)
    upload.stored_at, upload.stored_by = now, scope_of(session).actor.name
    upload.wrong = _wrong(results)
    await session.flush()
    return _detail(upload, parsed, results)


async def load_upload(session: AsyncSession, upload_id: UUID) -> VendorUploadDetail:
    """A file with the results of its rows as of now. Also in a fleet scope. Raises NotFound."""
    upload = await _find(session, upload_id)
    parsed = parse_bills(upload.file, upload.vendor)
    return _detail(upload, parsed, await preview_rows(session, upload.month, parsed))


async def _find(session: AsyncSession, upload_id: UUID) -> VendorUpload:
    upload = await session.get(VendorUpload, (scope_of(session).msp_id, upload_id))
    if upload is None:
        raise NotFound
    return upload


def _wrong(results: Sequence[LineResult]) -> int:
    return sum(one.result == "wrong" for one in results)


def _detail(upload: VendorUpload, parsed: Sequence[ParsedLine], results: Sequence[LineResult]) -> VendorUploadDetail:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    counts = {name: sum(one.result == name for one in results) for name in ("new", "existing", "wrong")}
    for one, result in zip(parsed, results, strict=True):
        if one.line is not None and result.result == "new":
            totals[one.line.currency] += one.line.amount or 0
    view = VendorUploadView(**{name: getattr(upload, name) for name in VendorUploadView.__struct_fields__})
    return VendorUploadDetail(
        view, counts["new"], counts["existing"], counts["wrong"],
        [VendorTotal(currency, amount) for currency, amount in sorted(totals.items())],
        [one for one in results if one.result == "wrong"],
    )  # fmt: skip
