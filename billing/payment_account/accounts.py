"""Payment accounts: read, set and checked, in the MSP account."""

import asyncio
import re
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.payment_account.models import PaymentAccount
from billing.payment_account.schemas import PaymentAccountInput, PaymentAccountView
from billing.payment_account.services import OpenAccount, PaymentServices
from billing.payment_account.states import PaymentMode, ProviderKind
from billing.payments.job_types import SWEEP, SWEEP_LANE
from billing.payments.port import PaymentProvider, ProviderAccount, ProviderRefused, ProviderUncertain
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, Forbidden, InvalidInput
from foundation.jobs.enqueue import set_timer
from foundation.marks import N_
from foundation.scope import Scope
from foundation.vault.rotation import EncryptedColumn

_KEY_PURPOSE: Final = "payment_account:secret_key"
_SIGNING_PURPOSE: Final = "payment_account:signing_secret"
SEALED: Final = (
    EncryptedColumn("payment_account", "secret_key", _KEY_PURPOSE, keys=("tenant_id",)),
    EncryptedColumn("payment_account", "signing_secret", _SIGNING_PURPOSE, keys=("tenant_id",)),
)
_SUBJECT: Final = "payment_account"
_KEY: Final = re.compile(r"(?:sk|rk)_(test|live)_[A-Za-z0-9_]{4,}")
_SIGNING_SECRET: Final = re.compile(r"whsec_[A-Za-z0-9_+/=-]{4,}")
_FIRST_SWEEP: Final = timedelta(hours=1)
_SECONDS: Final = 5.0
"""Timeout of the request to the provider, for which a person waits."""
NOTHING_TO_CHECK: Final = N_("There is nothing to check: payments are not made by Stripe.")


async def find_payment_account(session: AsyncSession) -> PaymentAccount | None:
    """Return the account of the scope's MSP."""
    own = select(PaymentAccount).where(PaymentAccount.tenant_id == scope_of(session).tenant_id)
    found: PaymentAccount | None = await session.scalar(own.execution_options(populate_existing=True))
    return found


def account_view(account: PaymentAccount | None) -> PaymentAccountView:
    if account is None:
        return PaymentAccountView(provider=ProviderKind.MANUAL)
    return PaymentAccountView(
        provider=ProviderKind(account.provider), mode=PaymentMode(account.mode), account=account.external_id,
        key_hint=account.key_hint, verifies_webhooks=account.signing_secret is not None,
        can_charge=account.can_charge, requirements=account.requirements, restriction=account.restriction,
        connected=account.connected,
        webhook_path=f"/payment-hooks/{account.msp_id}" if account.secret_key is not None else "",
        refused_webhooks=account.refused_hooks, swept_at=account.swept_at, checked_at=account.checked_at,
        set_at=account.set_at, set_by=account.set_by,
    )  # fmt: skip


async def set_payment_account(
    session: AsyncSession,
    services: PaymentServices,
    wanted: PaymentAccountInput,
    *,
    status: ProviderAccount | None = None,
    now: datetime,
) -> None:
    """Create or replace the MSP's account. `status`: the result of `try_key` for a new key of Stripe.

    Raises:
        InvalidInput: a secret is missing or malformed; names the field.
        ProviderUncertain: a new key was not tried.
        Forbidden: the scope is not that of an MSP account.
    """
    scope = _msp_account(session)
    before = await find_payment_account(session)
    if wanted.connects:
        values = _connected_values(services, scope, wanted, before)
        await set_timer(session, name=SWEEP.name, lane=SWEEP_LANE, job_type=SWEEP, due_at=now + _FIRST_SWEEP)
    elif wanted.provider is ProviderKind.STRIPE:
        values = await _stripe_values(session, services, wanted, before, status, now)
    else:
        if wanted.secret_key or wanted.signing_secret:
            raise InvalidInput(N_("Keys are for Stripe only."), field="secret_key")
        values = {
            "id": uuid5(scope.msp_id, wanted.provider), "mode": PaymentMode.TEST.value, "external_id": "",
            "secret_key": None, "key_hint": "", "signing_secret": None, "can_charge": False, "requirements": [],
            "restriction": "", "checked_at": None, "swept_at": None,
        }  # fmt: skip
    values |= {
        "connected": wanted.connects,
        "provider": wanted.provider.value,
        "set_at": now,
        "set_by": scope.actor.name,
    }
    statement = insert(PaymentAccount).values(tenant_id=scope.tenant_id, msp_id=scope.msp_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id"], set_=values))
    audited = {name: values[name] for name in ("provider", "mode", "connected", "external_id", "key_hint")}
    audited |= {"key_changed": bool(wanted.secret_key), "signing_secret_changed": bool(wanted.signing_secret)}
    append_audit(session, action=BillingAction.PAYMENT_ACCOUNT_SET, subject=_SUBJECT, data=audited, at=now)


async def check_payment_account(session: AsyncSession, status: ProviderAccount, *, now: datetime) -> None:
    """Record the result of `read_status`.

    Raises:
        Conflict: the provider is not Stripe, or the key now belongs to another account.
    """
    _msp_account(session)
    account = await find_payment_account(session)
    if account is None or account.provider != ProviderKind.STRIPE:
        raise Conflict(NOTHING_TO_CHECK)
    if status.external_id != account.external_id:
        raise Conflict(N_("The key is of another account at Stripe now. Enter the key of the account again."))
    await note_check(session, account, status, now=now)


async def read_status(services: PaymentServices, scope: Scope) -> ProviderAccount:
    """The MSP's account at Stripe, read by the stored key, outside a transaction.

    Raises:
        Conflict: the provider is not Stripe.
        ProviderRefused, ProviderUncertain, ProviderBusy, OutboundHeld: no answer, or a refusal.
    """
    account = await open_account(services, scope)
    if account is None or account.provider is None:
        raise Conflict(NOTHING_TO_CHECK)
    return await _read(account.provider)


async def try_key(services: PaymentServices, scope: Scope, key: str) -> ProviderAccount:
    """The account to which the key belongs, read outside a transaction.

    Raises:
        InvalidInput: the key is malformed, or refused by Stripe.
        ProviderUncertain, ProviderBusy, OutboundHeld: Stripe does not answer now.
    """
    _form_of(key)
    try:
        return await _read(services.stripe_of(scope, scope.msp_id, key))
    except ProviderRefused as refused:
        raise InvalidInput(
            N_("Stripe did not accept this key: {answer}"), params={"answer": refused.answer}, field="secret_key"
        ) from refused


async def note_check(session: AsyncSession, account: PaymentAccount, status: ProviderAccount, *, now: datetime) -> None:
    """Record the provider's report about the account."""
    account.can_charge, account.requirements = status.can_charge, list(status.requirements)
    account.restriction, account.checked_at = status.disabled_reason, now
    await session.flush()
    data = {"external_id": status.external_id, "can_charge": status.can_charge}
    append_audit(session, action=BillingAction.PAYMENT_ACCOUNT_CHECKED, subject=_SUBJECT, data=data, at=now)


async def open_account(services: PaymentServices, scope: Scope, *, reopens: bool = False) -> OpenAccount | None:
    """The account of the scope's MSP, in a transaction of its own; None if clients pay outside the product. `reopens`:
    refused requests are sent again.
    """
    msp_account = scope.for_tenant(scope.msp_id)
    async with services.db.transaction(msp_account) as session:
        account = await find_payment_account(session)
        if account is None or account.provider == ProviderKind.MANUAL:
            return None
        kind, provider = ProviderKind(account.provider), None
        if account.connected:
            if not account.external_id or not services.platform.key:
                return None
            provider = services.connected_to(msp_account, account.id, account.external_id, reopens=reopens)
        elif kind is ProviderKind.STRIPE:
            key = await open_key(session, services, account)
            provider = services.stripe_of(msp_account, account.id, key, reopens=reopens)
        return OpenAccount(account.id, kind, provider)


async def open_signing_secret(session: AsyncSession, services: PaymentServices, account: PaymentAccount) -> str:
    """Decrypt the webhooks' signing secret; empty if the account has none."""
    if account.signing_secret is None:
        return ""
    return (await services.vault.decrypt(session, _SIGNING_PURPOSE, account.signing_secret)).decode()


async def open_key(session: AsyncSession, services: PaymentServices, account: PaymentAccount) -> str:
    """Decrypt the secret key. Raises Conflict: the account has none."""
    if account.secret_key is None:
        raise Conflict(NOTHING_TO_CHECK)
    return (await services.vault.decrypt(session, _KEY_PURPOSE, account.secret_key)).decode()


async def _stripe_values(  # noqa: PLR0913, PLR0917 - the parts of one account
    session: AsyncSession, services: PaymentServices, wanted: PaymentAccountInput, before: PaymentAccount | None,
    status: ProviderAccount | None, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Raises InvalidInput, ProviderUncertain."""
    key, signing_secret = (wanted.secret_key or "").strip(), (wanted.signing_secret or "").strip()
    if signing_secret and not _SIGNING_SECRET.fullmatch(signing_secret):
        raise InvalidInput(N_("A signing secret of Stripe begins with whsec_."), field="signing_secret")
    if key:
        values = await _key_values(session, services, key, status, now)
    elif before is None or before.secret_key is None or before.connected:
        raise InvalidInput(N_("Enter the secret key of your account at Stripe."), field="secret_key")
    else:
        kept = ("id", "mode", "external_id", "secret_key", "key_hint", "can_charge", "requirements")
        values = {name: getattr(before, name) for name in (*kept, "restriction", "checked_at")}
    same = before is not None and before.id == values["id"]
    sealed = before.signing_secret if before is not None and same else None
    if signing_secret:
        sealed = await services.vault.encrypt(session, _SIGNING_PURPOSE, signing_secret.encode())
    await set_timer(session, name=SWEEP.name, lane=SWEEP_LANE, job_type=SWEEP, due_at=now + _FIRST_SWEEP)
    return values | {"signing_secret": sealed, "swept_at": before.swept_at if before is not None and same else None}


def connected_id(msp_id: UUID, mode: str) -> UUID:
    """Derived id: one connected account for each MSP and environment."""
    return uuid5(msp_id, f"{ProviderKind.STRIPE}:connect:{mode}")


def _connected_values(
    services: PaymentServices, scope: Scope, wanted: PaymentAccountInput, before: PaymentAccount | None
) -> dict[str, Any]:
    """Raises InvalidInput."""
    if wanted.provider is not ProviderKind.STRIPE or wanted.secret_key or wanted.signing_secret:
        raise InvalidInput(N_("A connected account is at Stripe, and has no keys."), field="provider")
    if not services.platform.key:
        raise InvalidInput(N_("This installation has no account to which yours could be connected."), field="provider")
    values: dict[str, Any] = {
        "id": connected_id(scope.msp_id, services.platform.mode), "mode": services.platform.mode, "secret_key": None,
        "key_hint": "", "signing_secret": None, "external_id": "", "can_charge": False, "requirements": [],
        "restriction": "", "checked_at": None, "swept_at": None,
    }  # fmt: skip
    if before is not None and before.id == values["id"]:
        kept = ("external_id", "can_charge", "requirements", "restriction", "checked_at", "swept_at")
        values |= {name: getattr(before, name) for name in kept}
    return values


async def write_connected(session: AsyncSession, account_id: UUID, external_id: str, *, now: datetime) -> None:
    """Store Stripe's id of the account that was created for the MSP, before its set-up."""
    _msp_account(session)
    account = await find_payment_account(session)
    if account is not None and account.id == account_id and account.connected and not account.external_id:
        account.external_id = external_id
        await session.flush()
        data = {"provider": account.provider, "external_id": external_id}
        append_audit(session, action=BillingAction.PAYMENT_ACCOUNT_SET, subject=_SUBJECT, data=data, at=now)


async def _key_values(
    session: AsyncSession, services: PaymentServices, key: str, status: ProviderAccount | None, now: datetime
) -> dict[str, Any]:
    """Values of the account to which the key belongs."""
    scope, form = scope_of(session), _form_of(key)
    if status is None:
        raise ProviderUncertain
    mode, sealed = PaymentMode(form[1]), await services.vault.encrypt(session, _KEY_PURPOSE, key.encode())
    return {
        "id": uuid5(scope.msp_id, f"{ProviderKind.STRIPE}:{mode}:{status.external_id}"), "mode": mode.value,
        "external_id": status.external_id, "secret_key": sealed,
        "key_hint": f"{key[: form.end(1) + 1]}…{key[-4:]}", "can_charge": status.can_charge,
        "requirements": list(status.requirements), "restriction": status.disabled_reason, "checked_at": now,
    }  # fmt: skip


def _form_of(key: str) -> re.Match[str]:
    """Raises InvalidInput."""
    form = _KEY.fullmatch(key)
    if form is None:
        raise InvalidInput(
            N_("A secret key of Stripe begins with sk_test_, sk_live_, rk_test_ or rk_live_."), field="secret_key"
        )
    return form


async def _read(provider: PaymentProvider) -> ProviderAccount:
    try:
        async with asyncio.timeout(_SECONDS):
            return await provider.read_account()
    except TimeoutError:
        raise ProviderUncertain from None


def _msp_account(session: AsyncSession) -> Scope:
    scope = scope_of(session)
    if scope.fleet or scope.tenant_id != scope.msp_id:
        raise Forbidden(N_("Payments are set in the MSP's own account. Open that account and try again."))
    return scope
