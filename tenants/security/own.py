"""The signed-in member of a page of their own settings."""

from dataclasses import replace
from uuid import UUID

from foundation.errors import Conflict, NotFound
from foundation.marks import N_
from foundation.scope import Scope
from tenants.auth.identity import SignedIn
from tenants.auth.second_step import require_factor
from tenants.auth.services import AuthServices
from tenants.auth.sessions import SessionFacts
from tenants.auth.sign_in import verify_own_password
from tenants.mail.mailer import Portal
from tenants.principal import home_scope


def own_scope(who: SignedIn) -> Scope:
    """The scope without the partner, in which members are visible. Only the member's own rows are used in it."""
    return replace(home_scope(who.principal), partner_id=None)


async def confirm_person(  # noqa: PLR0913 - keyword-only
    auth: AuthServices, who: SignedIn, *, password: str, code: str, address: str, portal: Portal
) -> None:
    """Record a new proof of identity for this session: the second factor if the member has one, else the password.

    Raises:
        SignInFailed, CodeRefused: the password or code is wrong.
        SignInThrottled: too many wrong attempts.
    """
    scope = own_scope(who)
    if await has_app(auth, who):
        await require_factor(auth, scope, who.principal.id, code, address=address, portal=portal)
    else:
        await verify_own_password(auth, scope, who.principal.id, password, address=address)
    await auth.sessions.prove(who.session, now=auth.clock())


async def has_app(auth: AuthServices, who: SignedIn) -> bool:
    async with auth.db.transaction(own_scope(who)) as session:
        return (await auth.factors.state(session, who.principal.id)).app_since is not None


async def list_sessions(auth: AuthServices, msp_id: UUID, member_id: UUID) -> list[SessionFacts]:
    return await auth.sessions.list_of(msp_id=msp_id, member_id=member_id, now=auth.clock())


async def end_session(auth: AuthServices, msp_id: UUID, member_id: UUID, session_id: str) -> None:
    """End one of the member's sessions.

    Raises:
        NotFound: the member has no such session.
    """
    if not await auth.sessions.end_one(msp_id=msp_id, member_id=member_id, session_id=session_id):
        raise NotFound(N_("This session has ended already."))


def require_other(who: SignedIn, session_id: str) -> None:
    """Raises: Conflict: it is the session of this request."""
    if who.session.id == session_id:
        raise Conflict(N_("This is the session that you are using. Sign out instead."))
