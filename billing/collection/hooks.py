"""Webhooks of an MSP's payment provider, stored once their signature is verified."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.payment_account.accounts import find_payment_account, open_signing_secret
from billing.payment_account.current import find_connected
from billing.payment_account.models import PaymentAccount
from billing.payment_account.services import PaymentServices
from billing.payments.job_types import APPLY_EVENT, LANE, ApplyEvent
from billing.payments.port import RemoteEvent
from billing.stripe.hooks import TOPIC_OF, verify_hook
from foundation.database.engine import scope_of
from foundation.errors import DomainError, NotFound, Unauthenticated
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from foundation.scope import Actor, Scope

_ACTOR: Final = Actor.system("payment webhook")


class HookRefused(DomainError):
    """Stripe sends a webhook again after any status but 2xx, and shows 400 as an error of the receiver's settings."""

    code = "payment-hook-refused"
    title = N_("The signature is not valid")


class Receipt(StrEnum):
    """Outcome of a webhook."""

    NEW = "new"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    """Not stored: the event's type concerns no invoice, such as an event of the account's other business."""


async def receive_event(
    services: PaymentServices, msp_id: UUID, signature: str, body: bytes, *, now: datetime
) -> Receipt:
    """Store the event, and enqueue its application.

    Raises:
        NotFound: no payment account of this MSP takes webhooks.
        HookRefused: the signature does not fit; only the number of such webhooks is stored.
    """
    refused: Unauthenticated | None = None
    receipt = Receipt.IGNORED
    async with services.db.transaction(Scope(msp_id, msp_id, _ACTOR)) as session:
        account = await find_payment_account(session)
        secret = await open_signing_secret(session, services, account) if account is not None else ""
        if account is None or not secret:
            raise NotFound(N_("No payment account has this address."))
        try:
            notice = verify_hook(body, signature, [secret])
        except Unauthenticated as error:
            refused = error
            await _count_refused(session)
        else:
            if notice.type in TOPIC_OF:
                event = RemoteEvent(notice.event_id, notice.type, notice.object_id, body)
                is_new = await store_event(session, account, event, via="webhook", now=now)
                receipt = Receipt.NEW if is_new else Receipt.DUPLICATE
    if refused is not None:
        raise HookRefused(str(refused))
    return receipt


async def receive_platform_event(services: PaymentServices, signature: str, body: bytes, *, now: datetime) -> Receipt:
    """As `receive_event`, for the platform's endpoint; the event's connected account determines the MSP.

    Raises:
        NotFound: this installation is no platform.
        HookRefused: the signature does not fit.
    """
    if not services.platform.signing_secret:
        raise NotFound(N_("No payment account has this address."))
    try:
        notice = verify_hook(body, signature, [services.platform.signing_secret])
    except Unauthenticated as error:
        raise HookRefused(str(error)) from error
    if notice.type not in TOPIC_OF or not notice.account:
        return Receipt.IGNORED
    async with services.db.transaction(None) as session:
        msp_id = await find_connected(session, notice.account)
    if msp_id is None:
        return Receipt.IGNORED
    async with services.db.transaction(Scope(msp_id, msp_id, _ACTOR)) as session:
        account = await find_payment_account(session)
        if account is None or not account.connected or account.external_id != notice.account:
            return Receipt.IGNORED
        event = RemoteEvent(notice.event_id, notice.type, notice.object_id, body)
        is_new = await store_event(session, account, event, via="webhook", now=now)
    return Receipt.NEW if is_new else Receipt.DUPLICATE


async def store_event(
    session: AsyncSession, account: PaymentAccount, event: RemoteEvent, *, via: str, now: datetime
) -> bool:
    """Store the event, in the MSP account. False: the event is stored already."""
    scope = scope_of(session)
    stored = await session.execute(
        text("""
            INSERT INTO payment_event (tenant_id, msp_id, account_id, event_id, type, object_id, body, via, received_at)
            VALUES (:t, :m, :account, :id, :type, :object, :body, :via, :now)
            ON CONFLICT (tenant_id, account_id, event_id) DO NOTHING RETURNING event_id
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "account": account.id, "id": event.event_id, "type": event.type,
            "object": event.object_id, "body": event.body, "via": via, "now": now,
        },
    )  # fmt: skip
    if stored.one_or_none() is None:
        return False
    payload = ApplyEvent(event.event_id)
    enqueue(session, [NewJob(LANE, APPLY_EVENT, key=event.object_id or event.event_id, payload=payload)])
    return True


async def _count_refused(session: AsyncSession) -> None:
    await session.execute(
        text("UPDATE payment_account SET refused_hooks = refused_hooks + 1 WHERE tenant_id = :t"),
        {"t": scope_of(session).tenant_id},
    )
