"""Sign-in by a passkey, which provides both factors: the device, and the finger, face or PIN that unlocks it."""

from typing import Final

from sqlalchemy import update

from foundation.audit.chain import append_audit
from foundation.scope import Actor, Scope
from tenants.audit_actions import TenantAction
from tenants.auth.identity import SignedIn, load_principal
from tenants.auth.services import AuthServices
from tenants.errors import Suspended
from tenants.factors.passkeys import Host, PasskeyRefused, read_handle, read_sign_in, use_passkey
from tenants.models import Member
from tenants.principal import Principal

PURPOSE: Final = "passkey-sign-in"
CONFIRM: Final = "passkey-confirm"
_DOOR: Final = Actor.system("sign-in")


async def sign_in_by_passkey(auth: AuthServices, host: Host, response: str, *, msp: Scope, address: str) -> Principal:
    """`msp` is the scope of the MSP account of the request's host.

    Raises:
        PasskeyRefused: unknown, of another host, expired, used before, or not valid.
        SignInThrottled: too many refused ones of this member.
        Suspended: the passkey is right, but the member or the account is suspended.
    """
    now = auth.clock()
    credential, challenge = read_sign_in(response)
    tenant_id, member_id = read_handle(credential)
    if not auth.challenges.is_live(challenge, msp.msp_id, PURPOSE, now=now):
        raise PasskeyRefused
    attempt = await auth.throttle.reserve(msp_id=msp.msp_id, email=f"passkey:{member_id}", address=address, now=now)
    if not await auth.challenges.spend(challenge, msp.msp_id):
        raise PasskeyRefused
    scope = Scope(msp_id=msp.msp_id, tenant_id=tenant_id, actor=_DOOR)
    async with auth.db.transaction(scope) as session:
        await use_passkey(session, host, member_id, credential, challenge, now=now)
        principal = await load_principal(session, auth.policies, member_id)
        action = TenantAction.SIGN_IN_REFUSED if principal is None else TenantAction.SIGN_IN_SUCCEEDED
        data = {"address": address, "by": "passkey"}
        append_audit(session, action=action, subject=f"member:{member_id}", data=data, at=now)
        own = (Member.tenant_id == tenant_id, Member.id == member_id)
        if principal is not None:
            await session.execute(update(Member).where(*own).values(last_seen_at=now))
    if principal is None:
        raise Suspended
    await auth.throttle.release(attempt)
    return principal


async def confirm_by_passkey(auth: AuthServices, host: Host, who: SignedIn, response: str, *, address: str) -> None:
    """Record a new proof of identity for this session, by a passkey of the same member.

    Raises:
        PasskeyRefused, SignInThrottled: see `sign_in_by_passkey`.
    """
    now, me = auth.clock(), who.principal
    credential, challenge = read_sign_in(response)
    if read_handle(credential) != (me.tenant_id, me.id):
        raise PasskeyRefused
    if not auth.challenges.is_live(challenge, me.msp_id, CONFIRM, now=now):
        raise PasskeyRefused
    attempt = await auth.throttle.reserve(msp_id=me.msp_id, email=f"passkey:{me.id}", address=address, now=now)
    if not await auth.challenges.spend(challenge, me.msp_id):
        raise PasskeyRefused
    async with auth.db.transaction(Scope(msp_id=me.msp_id, tenant_id=me.tenant_id, actor=me.actor)) as session:
        await use_passkey(session, host, me.id, credential, challenge, now=now)
    await auth.throttle.release(attempt)
    await auth.sessions.prove(who.session, now=now)
