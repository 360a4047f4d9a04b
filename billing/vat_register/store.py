"""Results of checks, in the client's scope."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.vat_register.port import VatResult, VatStatus
from foundation.database.engine import scope_of
from foundation.errors import Conflict
from foundation.ids import NewId
from foundation.jobs.types import JobType, NoPayload
from foundation.marks import N_

LANE: Final = "vat_checks"
CHECK_VAT_ID: Final = JobType(
    "billing.check_vat_id", N_("Check the tax number of a buyer"), NoPayload, batch=1, seconds=60.0
)


class VatIdUnchecked(Conflict):
    """Reverse charge needs a valid VAT id, checked recently."""

    code = "vat-id-not-checked"
    title = N_("The buyer's VAT id is not confirmed")


class VatCheckView(msgspec.Struct, frozen=True):
    """The newest check of an id. `consultation_number` is the register's proof of it."""

    vat_id: str
    requester: str
    status: VatStatus
    consultation_number: str
    requested_on: datetime | None
    name: str
    reason: str
    checked_at: datetime


_COLUMNS: Final = ", ".join(VatCheckView.__struct_fields__)


async def find_check(session: AsyncSession, vat_id: str, *, conclusive: bool = False) -> VatCheckView | None:
    """The newest check of the id; with `conclusive`, the newest with a result."""
    found = await session.execute(
        text(f"""
            SELECT {_COLUMNS} FROM vat_check
             WHERE tenant_id = :t AND vat_id = :v AND (NOT :c OR status <> '{VatStatus.UNAVAILABLE}')
             ORDER BY checked_at DESC, id DESC LIMIT 1
        """),
        {"t": scope_of(session).tenant_id, "v": vat_id, "c": conclusive},
    )
    row = found.mappings().one_or_none()
    return None if row is None else VatCheckView(**{**row, "status": VatStatus(row["status"])})


async def write_check(  # noqa: PLR0913 - one row
    session: AsyncSession, vat_id: str, requester: str, result: VatResult, *, now: datetime, new_id: NewId
) -> None:  # fmt: skip
    scope = scope_of(session)
    await session.execute(
        text("""
            INSERT INTO vat_check (tenant_id, msp_id, id, vat_id, requester, status, consultation_number, requested_on,
                                   name, reason, checked_at)
            VALUES (:t, :m, :id, :vat_id, :requester, :status, :consultation_number, :requested_on, :name, :reason,
                    :now)
        """),
        {
            **msgspec.structs.asdict(result), "status": result.status.value, "t": scope.tenant_id, "m": scope.msp_id,
            "id": new_id(), "vat_id": vat_id, "requester": requester, "now": now,
        },
    )  # fmt: skip


async def require_checked(session: AsyncSession, vat_id: str, *, days: int, now: datetime) -> None:
    """Raises VatIdUnchecked: the id is invalid, or its last result is older than `days`, or there is none."""
    found = await find_check(session, vat_id, conclusive=True)
    if found is not None and found.status is VatStatus.INVALID:
        raise VatIdUnchecked(
            N_("{vat_id} is not valid in VIES. Correct it in the billing details, then check it."),
            params={"vat_id": vat_id},
        )
    if found is None or now - found.checked_at > timedelta(days=days):
        raise VatIdUnchecked(
            N_("{vat_id} was not checked in VIES in the last {days} days. Check it in the billing details."),
            params={"vat_id": vat_id, "days": str(days)},
        )
