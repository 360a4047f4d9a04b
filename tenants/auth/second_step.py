"""The step of a sign-in after its first factor: a second factor, or its set-up where a rule requires one."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Unauthenticated
from foundation.i18n.localizer import current_localizer
from foundation.marks import N_
from foundation.scope import Actor, Scope
from tenants.auth.identity import load_principal
from tenants.auth.services import AuthServices
from tenants.errors import Suspended
from tenants.factors.audit_actions import SecondFactorAction
from tenants.factors.factors import Proof
from tenants.factors.rules import is_required
from tenants.mail.mail_types import RECOVERY_USED
from tenants.mail.mailer import Portal, Recipient
from tenants.models import Member
from tenants.principal import Principal

CODE_PATH: Final = "/sign-in/second-step"
SET_UP_PATH: Final = "/sign-in/set-up"
_PURPOSE: Final = "second-step"
_STEP: Final = Actor.system("second-factor")


class PendingSignIn(msgspec.Struct, frozen=True):
    """A member who proved the first factor. `target` is the page to open then."""

    tenant_id: UUID
    member_id: UUID
    target: str
    sets_up: bool


@dataclass(frozen=True, slots=True)
class NextStep:
    path: str
    ticket: str


class SignInExpired(Unauthenticated):
    code = "sign-in-expired"
    title = N_("Sign in again")

    def __init__(self) -> None:
        super().__init__(N_("This sign-in took too long, or was completed elsewhere. Begin again."))


class CodeRefused(Unauthenticated):
    code = "code-refused"
    title = N_("The code is not accepted")

    def __init__(self) -> None:
        super().__init__(
            N_("This code is incorrect or was used before. Wait for the next code of the app, or use a recovery code.")
        )


async def begin_second_step(auth: AuthServices, principal: Principal, target: str) -> NextStep | None:
    """None if the first factor is enough for this member."""
    async with auth.db.transaction(_scope(principal.msp_id, principal.tenant_id)) as session:
        state = await auth.factors.state(session, principal.id)
        sets_up = state.app_since is None
        if sets_up and not await is_required(session, principal.roles):
            return None
    pending = PendingSignIn(principal.tenant_id, principal.id, target, sets_up)
    ticket = await auth.tickets.issue(principal.msp_id, _PURPOSE, pending)
    return NextStep(SET_UP_PATH if sets_up else CODE_PATH, ticket)


async def find_pending(auth: AuthServices, msp_id: UUID, ticket: str, *, sets_up: bool) -> PendingSignIn:
    """Raises: SignInExpired."""
    found = await auth.tickets.find(msp_id, _PURPOSE, ticket, PendingSignIn)
    if found is None or found.sets_up != sets_up:
        raise SignInExpired
    return found


async def complete_second_step(  # noqa: PLR0913 - keyword-only
    auth: AuthServices, portal: Portal, *, msp_id: UUID, ticket: str, typed: str, address: str
) -> tuple[Principal, str]:
    """Accept the code; the ticket ends. Returns the member and the page to open.

    Raises:
        SignInExpired: the first factor was proved too long ago.
        SignInThrottled: too many wrong codes.
        CodeRefused: the code is wrong, or was used before.
        Suspended: the member was suspended meanwhile.
    """
    pending = await find_pending(auth, msp_id, ticket, sets_up=False)
    scope = _scope(msp_id, pending.tenant_id)
    await require_factor(auth, scope, pending.member_id, typed, address=address, portal=portal)
    return await finish_step(auth, scope, ticket, pending)


async def finish_step(auth: AuthServices, scope: Scope, ticket: str, pending: PendingSignIn) -> tuple[Principal, str]:
    """Raises: SignInExpired, Suspended."""
    if await auth.tickets.take(scope.msp_id, _PURPOSE, ticket, PendingSignIn) is None:
        raise SignInExpired
    async with auth.db.transaction(scope) as session:
        principal = await load_principal(session, auth.policies, pending.member_id)
    if principal is None:
        raise Suspended
    return principal, pending.target


async def require_factor(  # noqa: PLR0913 - keyword-only
    auth: AuthServices, scope: Scope, member_id: UUID, typed: str, *, address: str, portal: Portal
) -> None:
    """Accept a code of the member's app, or a recovery code, whose use is reported to the member by mail.

    Raises:
        SignInThrottled: too many wrong codes.
        CodeRefused: the code is wrong, or was used before.
    """
    now = auth.clock()
    counted = f"second-factor:{member_id}"
    attempt = await auth.throttle.reserve(msp_id=scope.msp_id, email=counted, address=address, now=now)
    async with auth.db.transaction(scope) as session:
        proof = await auth.factors.verify(session, member_id, typed, now=now)
        action = SecondFactorAction.FAILED if proof is None else SecondFactorAction.ACCEPTED
        append_audit(session, action=action, subject=f"member:{member_id}", data={"address": address}, at=now)
        if proof is Proof.RECOVERY_CODE:
            await _tell(session, auth, member_id, portal)
    if proof is None:
        raise CodeRefused
    await auth.throttle.release(attempt)


async def _tell(session: AsyncSession, auth: AuthServices, member_id: UUID, portal: Portal) -> None:
    now = auth.clock()
    own = (Member.tenant_id == scope_of(session).tenant_id, Member.id == member_id)
    email = await session.scalar(select(Member.email).where(*own))
    member = await load_principal(session, auth.policies, member_id)
    if member is None or email is None:
        return
    language = member.language or current_localizer().language
    to = Recipient(email, member.name, language, member.time_zone or "UTC")
    await auth.mailer.queue(session, RECOVERY_USED, to, portal=portal, now=now, at=now)


def _scope(msp_id: UUID, tenant_id: UUID) -> Scope:
    return Scope(msp_id=msp_id, tenant_id=tenant_id, actor=_STEP)
