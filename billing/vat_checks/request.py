"""Requests to check the VAT id of the scope's buyer."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.buyers import load_buyer
from billing.errors import PartyMissing
from billing.legal_entities.repository import find_issuer
from billing.legal_entities.tax import EU, VatCheckKind
from billing.sides import Side, as_rater
from billing.vat_register.store import CHECK_VAT_ID, LANE, find_check
from foundation.errors import Conflict
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_


class VatQuestion(msgspec.Struct, frozen=True):
    """The buyer's id, the seller's as requester, and whether reverse charge depends on it."""

    vat_id: str
    requester: str
    decides: bool
    days: int


async def read_vat_question(session: AsyncSession) -> VatQuestion | None:
    """None if ids are not checked in a register, and without an EU VAT id of the buyer."""
    async with as_rater(session):
        issuer = await find_issuer(session, Side.RETAIL)
        if issuer is None or issuer.entity.vat_check is VatCheckKind.OFF:
            return None
        try:
            buyer = await load_buyer(session)
        except PartyMissing:
            return None
    if not buyer.vat_id or buyer.country not in EU:
        return None
    seller = issuer.entity
    decides = seller.country in EU and seller.country != buyer.country
    requester = seller.vat_id if seller.country in EU else ""
    return VatQuestion(buyer.vat_id, requester, decides, seller.vat_check_days)


async def request_vat_check(session: AsyncSession) -> None:
    """Enqueue a check, in the client's scope.

    Raises:
        Conflict: ids are not checked in a register, or the buyer has no EU VAT id.
    """
    if await read_vat_question(session) is None:
        raise Conflict(N_("The legal entity checks no VAT ids in VIES, or the buyer has none of the EU."))
    _enqueue(session)


async def request_due_vat_checks(session: AsyncSession, now: datetime) -> None:
    """Enqueue a check if reverse charge depends on the id and its last result gets too old within a day."""
    question = await read_vat_question(session)
    if question is None or not question.decides:
        return
    last = await find_check(session, question.vat_id, conclusive=True)
    if last is None or now - last.checked_at > timedelta(days=question.days - 1):
        _enqueue(session)


def _enqueue(session: AsyncSession) -> None:
    enqueue(session, [NewJob(LANE, CHECK_VAT_ID, key="vat_id")])
