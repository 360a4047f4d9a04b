"""A client's payment methods and its consent to automatic charges: shown and changed, in the client's scope."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.payment_account.current import find_current_account
from billing.payment_account.states import ProviderKind
from billing.payment_methods.job_types import CHANGE_METHOD, ChangeMethod, MethodAct
from billing.payment_methods.models import PaymentProfile
from billing.payment_methods.schemas import PaymentMethods, PaymentMethodView
from billing.payments.job_types import LANE
from billing.payments.port import PaymentMethod
from billing.payments.provider_invoices import problem_text
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, Forbidden, NotFound
from foundation.i18n.messages import to_message
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from tenants.principal import Principal


class ConsentIsTheClients(Forbidden):
    code = "consent-is-the-clients"
    title = N_("Only the client agrees to this")

    def __init__(self) -> None:
        super().__init__(N_("Only a member of the client itself can agree that its invoices are charged."))


_SUBJECT: Final = "payment_methods"
_MOST: Final = 20


async def find_profile(session: AsyncSession) -> PaymentProfile | None:
    """The client's row, which may be of an earlier payment account."""
    own = select(PaymentProfile).where(PaymentProfile.tenant_id == scope_of(session).tenant_id)
    found: PaymentProfile | None = await session.scalar(own.execution_options(populate_existing=True))
    return found


async def load_methods(session: AsyncSession) -> PaymentMethods:
    """Methods at the present payment account, and the consent to automatic charges."""
    current, profile = await find_current_account(session), await find_profile(session)
    if current is None:
        return PaymentMethods(provider=ProviderKind.MANUAL)
    if profile is None:
        return PaymentMethods(provider=current[1])
    agreed = {name: getattr(profile, name) for name in ("charges_automatically", "agreed_at", "agreed_by")}
    methods = msgspec.convert(profile.methods, Sequence[PaymentMethodView])
    if profile.account_id != current[0]:
        return PaymentMethods(provider=current[1], **agreed)
    return PaymentMethods(
        provider=current[1], methods=methods, is_reading=profile.awaits,
        problem=problem_text(to_message(profile.problem)), read_at=profile.read_at, **agreed,
    )  # fmt: skip


async def may_charge(session: AsyncSession, account_id: UUID, *, sent_at: datetime) -> bool:
    """Whether the client had agreed to automatic charges by `sent_at`, and has a method at that account."""
    profile = await find_profile(session)
    if profile is None or not profile.charges_automatically or profile.agreed_at is None:
        return False
    return bool(profile.agreed_at <= sent_at and profile.account_id == account_id and profile.methods)


async def set_automatic(session: AsyncSession, by: Principal | None, *, charges: bool, now: datetime) -> None:
    """Give or withdraw the client's consent to automatic charges. `by`: None for the operator, who enters a written
    consent.

    Raises:
        ConsentIsTheClients: the caller belongs to the MSP, or is a program, and would agree.
        Conflict: clients pay outside the product.
    """
    if charges and by is not None and (by.is_staff or by.kind != "member"):
        raise ConsentIsTheClients
    account_id, _ = await _current(session)
    scope = scope_of(session)
    values = {"charges_automatically": charges, "agreed_at": now, "agreed_by": scope.actor.name}
    await _write(session, account_id, **values)
    _note(session, {"charges_automatically": charges}, now)


async def change_method(session: AsyncSession, method_id: str, act: MethodAct, *, now: datetime) -> None:
    """Remove a saved method, or make it the default. A job does so at the provider.

    Raises:
        NotFound: the client has no such method.
        Conflict: clients pay outside the product.
    """
    account_id, kind = await _current(session)
    known = await _saved(session, account_id)
    if method_id not in {one.external_id for one in known}:
        raise NotFound
    if kind is ProviderKind.SANDBOX:
        kept = [one for one in known if act is not MethodAct.REMOVE or one.external_id != method_id]
        default = method_id if act is MethodAct.CHOOSE else next((one.external_id for one in kept), "")
        await write_methods(session, account_id, _with_default(kept, default), now=now)
    else:
        await _write(session, account_id, awaits=True)
        _enqueue(session, ChangeMethod(act, method_id))
    _note(session, {"act": act.value, "method": method_id}, now)


async def request_reading(session: AsyncSession) -> None:
    """Enqueue reading the methods from the provider. Nothing is enqueued without a customer there, or in the sandbox.

    Raises:
        Conflict: clients pay outside the product.
    """
    account_id, kind = await _current(session)
    profile = await find_profile(session)
    if kind is ProviderKind.STRIPE and profile is not None and profile.account_id == account_id and profile.customer_id:
        await _write(session, account_id, awaits=True)
        _enqueue(session, ChangeMethod())


async def add_sandbox_card(session: AsyncSession, *, now: datetime) -> None:
    """Save a card of the sandbox, where no money moves. Raises Conflict: another provider, or too many cards."""
    account_id, kind = await _current(session)
    if kind is not ProviderKind.SANDBOX:
        raise Conflict(N_("Test cards are for the sandbox only."))
    known = await _saved(session, account_id)
    if len(known) >= _MOST:
        raise Conflict(N_("Remove a payment method first."))
    made = PaymentMethod(f"sandbox-{uuid4()}", "card", "visa", "4242", True, 12, now.year + 4)
    await write_methods(session, account_id, _with_default([made, *known], made.external_id), now=now)
    _note(session, {"act": "add", "method": made.external_id}, now)


async def write_methods(
    session: AsyncSession, account_id: UUID, methods: Sequence[PaymentMethod], *, now: datetime
) -> None:
    """Store the methods that the provider reported."""
    values = {"methods": msgspec.to_builtins(methods), "awaits": False, "problem": None, "read_at": now}
    await _write(session, account_id, **values)


async def write_customer(session: AsyncSession, account_id: UUID, customer_id: str, session_id: str = "") -> None:
    """Store the customer before a page of the provider is opened; `session_id`: a page for entering a method."""
    values = {"customer_id": customer_id, **({"session_id": session_id} if session_id else {})}
    await _write(session, account_id, **values)


async def write_attempt(session: AsyncSession, account_id: UUID, **values: Any) -> None:
    """Store the outcome of a job's attempt: a problem, or the end of a page's session."""
    await _write(session, account_id, awaits=False, **values)


async def _current(session: AsyncSession) -> tuple[UUID, ProviderKind]:
    current = await find_current_account(session)
    if current is None:
        raise Conflict(N_("Your invoices are paid outside this product."))
    return current


async def _saved(session: AsyncSession, account_id: UUID) -> list[PaymentMethod]:
    profile = await find_profile(session)
    if profile is None or profile.account_id != account_id:
        return []
    return msgspec.convert(profile.methods, list[PaymentMethod])


async def _write(session: AsyncSession, account_id: UUID, **values: Any) -> None:
    """Write values of the profile; methods and consent of an earlier account are dropped."""
    before = await find_profile(session)
    if before is not None and before.account_id != account_id:
        values = {
            "customer_id": "", "session_id": "", "methods": [], "awaits": False, "problem": None, "read_at": None,
            "charges_automatically": False, "agreed_at": None, "agreed_by": "",
        } | values  # fmt: skip
    scope = scope_of(session)
    values |= {"account_id": account_id}
    statement = insert(PaymentProfile).values(tenant_id=scope.tenant_id, msp_id=scope.msp_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id"], set_=values))


def _with_default(methods: Sequence[PaymentMethod], default: str) -> list[PaymentMethod]:
    return [msgspec.structs.replace(one, is_default=one.external_id == default) for one in methods]


def _enqueue(session: AsyncSession, payload: ChangeMethod) -> None:
    key = str(scope_of(session).tenant_id)
    enqueue(session, [NewJob(LANE, CHANGE_METHOD, key=key, payload=payload)])


def _note(session: AsyncSession, data: dict[str, Any], now: datetime) -> None:
    append_audit(session, action=BillingAction.PAYMENT_METHODS_CHANGED, subject=_SUBJECT, data=data, at=now)
