"""Sign-in with e-mail and password, on the host of one MSP.

No transaction is open while a password is hashed. Neither the response nor its timing reveals whether an address is
known: the same number of hashes is verified for every address, dummy ones where it has fewer accounts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.scope import Actor, Scope
from foundation.text import TextInvalid, normalize_email
from tenants.audit_actions import TenantAction
from tenants.auth.devices import Device
from tenants.auth.identity import load_principal
from tenants.auth.services import AuthServices
from tenants.emails import LONGEST_EMAIL
from tenants.errors import SignInFailed, Suspended
from tenants.models import Member, Msp
from tenants.principal import Principal
from tenants.states import AccountStatus

_DOOR: Final = Actor.system("sign-in")
_NOBODY: Final = UUID(int=0)
_MOST_HOMES: Final = 4


@dataclass(frozen=True, slots=True)
class Credentials:
    """`address` is the client's network address, `msp_id` the MSP of the request's host, `device` a cookie of
    `tenants.auth.devices`.
    """

    msp_id: UUID
    email: str
    password: str
    address: str
    device: str = ""


class _Candidate(NamedTuple):
    scope: Scope
    member_id: UUID
    password_hash: str | None


async def authenticate(auth: AuthServices, credentials: Credentials) -> Principal:
    """Authenticate a member. Success and failure are both audited, in the member's home account or, for an unknown
    address, in the MSP account.

    A member may belong to several clients of one MSP under one address; the password selects the account.

    Raises:
        SignInFailed: no match, for any reason.
        SignInThrottled: too many failures before; the password was not checked.
        Suspended: the password is right, but the member or the account is suspended.
    """
    now = auth.clock()
    email = read_email(credentials.email)
    msp_account = Scope(msp_id=credentials.msp_id, tenant_id=credentials.msp_id, actor=_DOOR)
    device = await _find_device(auth, msp_account, credentials.device, email, now)
    attempt = await auth.throttle.reserve(
        msp_id=msp_account.msp_id, email=email, address=credentials.address, now=now, device=device
    )
    candidates = [
        await _read_candidate(auth, scope, member) for scope, member in await _find_homes(auth, msp_account, email)
    ]
    verified = [await auth.passwords.verify(one.password_hash, credentials.password) for one in candidates]
    matching = [one for one, right in zip(candidates, verified, strict=True) if right]
    if not matching:
        await _note_failure(auth, candidates[0], credentials, now)
        raise SignInFailed
    for candidate in matching:
        principal = await _enter(auth, candidate, credentials, now)
        if principal is not None:
            await auth.throttle.release(attempt)
            return principal
    raise Suspended


async def verify_own_password(
    auth: AuthServices, scope: Scope, member_id: UUID, password: str, *, address: str
) -> None:
    """Check the password of a member who is signed in.

    Raises:
        SignInFailed: the password is wrong.
        SignInThrottled: too many wrong passwords before.
    """
    now = auth.clock()
    counted = f"confirm:{member_id}"
    attempt = await auth.throttle.reserve(msp_id=scope.msp_id, email=counted, address=address, now=now)
    candidate = await _read_candidate(auth, scope, member_id)
    if not await auth.passwords.verify(candidate.password_hash, password):
        given = Credentials(scope.msp_id, "", "", address)
        await _note_failure(auth, candidate, given, now)
        raise SignInFailed
    await auth.throttle.release(attempt)


def read_email(typed: str) -> str:
    """Normalized e-mail; empty for invalid input, which matches no member."""
    try:
        email = normalize_email(typed) if len(typed) <= 2 * LONGEST_EMAIL else ""
    except TextInvalid:
        return ""
    return email if len(email) <= LONGEST_EMAIL else ""


async def _find_device(auth: AuthServices, msp_account: Scope, cookie: str, email: str, now: datetime) -> Device | None:
    """The browser's device entry, if this member signed in with it and no password change, suspension or sign-out
    everywhere has happened since.
    """
    for device in auth.devices.recognize(cookie, msp_id=msp_account.msp_id, now=now):
        own = (Member.tenant_id == device.tenant_id, Member.id == device.member_id, Member.email == email)
        since = or_(Member.signed_out_after.is_(None), Member.signed_out_after <= device.since)
        query = select(Member.id).where(*own, Member.status == AccountStatus.ACTIVE, since)
        async with auth.db.transaction(msp_account.for_tenant(device.tenant_id)) as session:
            if await session.scalar(query) is not None:
                return device
    return None


async def _find_homes(auth: AuthServices, msp_account: Scope, email: str) -> Sequence[tuple[Scope, UUID]]:
    """Scope and id of every member with this address in the MSP, staff first, padded with entries of no member: a
    constant length, so that the work does not reveal the number of accounts.
    """
    async with auth.db.transaction(msp_account.for_fleet()) as session:
        rows = await session.execute(
            select(Member.tenant_id, Member.id)
            .where(Member.msp_id == msp_account.msp_id, Member.email == email)
            .order_by(Member.tenant_id != msp_account.msp_id, Member.last_seen_at.desc().nulls_last(), Member.id)
            .limit(_MOST_HOMES)
        )
        homes = [(msp_account.for_tenant(row.tenant_id), row.id) for row in rows]
        open_ = await session.scalar(
            select(func.count()).where(Msp.tenant_id == msp_account.msp_id, Msp.status == AccountStatus.ACTIVE)
        )
    known = homes if open_ else []
    return [*known, *[(msp_account, _NOBODY)] * (_MOST_HOMES - len(known))]


async def _read_candidate(auth: AuthServices, scope: Scope, member_id: UUID) -> _Candidate:
    async with auth.db.transaction(scope) as session:
        password_hash = await session.scalar(
            select(Member.password_hash).where(Member.tenant_id == scope.tenant_id, Member.id == member_id)
        )
    return _Candidate(scope, member_id, password_hash)


async def _note_failure(auth: AuthServices, candidate: _Candidate, credentials: Credentials, now: datetime) -> None:
    # The typed e-mail is not stored: for an unknown one it may be a password in the wrong field.
    data = {"address": credentials.address}
    subject = "sign-in" if candidate.member_id == _NOBODY else f"member:{candidate.member_id}"
    async with auth.db.transaction(candidate.scope) as session:
        append_audit(session, action=TenantAction.SIGN_IN_FAILED, subject=subject, data=data, at=now)


async def _enter(auth: AuthServices, found: _Candidate, credentials: Credentials, now: datetime) -> Principal | None:
    """None if the member or the account is suspended."""
    assert found.password_hash is not None  # noqa: S101 - a member without a hash is never verified
    outdated = auth.passwords.is_outdated(found.password_hash, credentials.password)
    renewed = await auth.passwords.hash(credentials.password) if outdated else None
    async with auth.db.transaction(found.scope) as session:
        principal = await load_principal(session, auth.policies, found.member_id)
        subject = f"member:{found.member_id}"
        data = {"address": credentials.address}
        if principal is not None:
            await _record_sign_in(session, found, renewed, now)
            append_audit(session, action=TenantAction.SIGN_IN_SUCCEEDED, subject=subject, data=data, at=now)
        else:
            append_audit(session, action=TenantAction.SIGN_IN_REFUSED, subject=subject, data=data, at=now)
    return principal


async def _record_sign_in(session: AsyncSession, found: _Candidate, renewed: str | None, now: datetime) -> None:
    """Store the device's sign-in. `renewed` replaces the hash only if the stored one is still the verified one
    (compare-and-set).
    """
    own = (Member.tenant_id == found.scope.tenant_id, Member.id == found.member_id)
    await session.execute(update(Member).where(*own).values(last_seen_at=now))
    if renewed is not None:
        same = Member.password_hash == found.password_hash
        await session.execute(update(Member).where(*own, same).values(password_hash=renewed))
