"""Change of a member's own password."""

from sqlalchemy import delete

from foundation.errors import Conflict
from foundation.marks import N_
from tenants.auth.account_names import read_account_names
from tenants.auth.identity import SignedIn
from tenants.auth.passwords import check_repeated
from tenants.auth.services import AuthServices
from tenants.auth.sign_in import verify_own_password
from tenants.auth.step_up import require_recent_proof
from tenants.mail.mail_types import PASSWORD_CHANGED
from tenants.mail.mailer import Portal
from tenants.members.repository import get_member, set_password
from tenants.password_reset.models import PasswordReset
from tenants.recipients import recipient_of
from tenants.security.own import own_scope


async def change_password(  # noqa: PLR0913 - keyword-only
    auth: AuthServices, who: SignedIn, *, present: str, password: str, again: str, address: str, portal: Portal
) -> None:
    """Replace the password, end the member's other sessions and links for a new password, and notify by mail.

    Raises:
        StepUpRequired: the session has no recent proof of identity.
        SignInFailed: `present` is not the present password.
        SignInThrottled: too many wrong ones.
        WeakPassword: the new password is too weak.
        Conflict: the member signs in without a password.
    """
    scope, member_id = own_scope(who), who.principal.id
    require_recent_proof(who.session, auth.clock())
    async with auth.db.transaction(scope) as session:
        member = await get_member(session, member_id)
    if member.password_hash is None:
        raise Conflict(N_("You sign in without a password."))
    await verify_own_password(auth, scope, member_id, present, address=address)
    check_repeated(password, again)
    names = [member.name, *await read_account_names(auth.db, scope)]
    password_hash = await auth.passwords.prepare(password, email=member.email, names=names)
    # Sessions that began after this one can be ended in the store only: while it is unreachable, nothing is changed.
    await auth.sessions.end_others(who.session)
    async with auth.db.transaction(scope) as session:
        # Sessions that began before this one are refused even while the session store is unreachable.
        await set_password(
            session, member_id=member_id, password_hash=password_hash, now=auth.clock(), kept=who.session.created_at
        )
        links = (PasswordReset.tenant_id == scope.tenant_id, PasswordReset.member_id == member_id)
        await session.execute(delete(PasswordReset).where(*links))
        recipient, now = await recipient_of(session, member), auth.clock()
        await auth.mailer.queue(session, PASSWORD_CHANGED, recipient, portal=portal, now=now, at=now)
    await auth.sessions.end_others(who.session)


async def has_password(auth: AuthServices, who: SignedIn) -> bool:
    async with auth.db.transaction(own_scope(who)) as session:
        return (await get_member(session, who.principal.id)).password_hash is not None
