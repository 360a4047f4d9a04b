"""Passkeys of a member of the scope's account (WebAuthn), by py_webauthn: registered, verified, listed and removed.

The relying party is the host: a passkey works under the domain under which it was registered. User verification is
required, so that a passkey is two factors: the device, and the finger, face or PIN that unlocks it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import webauthn
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from foundation.database.engine import scope_of
from foundation.decoding import decode_json
from foundation.errors import Conflict, NotFound, Unauthenticated
from foundation.marks import N_
from foundation.names import clean_name
from tenants.factors.models import Passkey

MOST: Final = 10
_UUID_BYTES: Final = 16
_WRONG: Final = (WebAuthnException, msgspec.MsgspecError, ValueError, TypeError, KeyError)
"""Exceptions that the library raises for an invalid response."""


class PasskeyRefused(Unauthenticated):
    """One message for every cause, so as not to reveal which passkeys exist."""

    code = "passkey-refused"
    title = N_("The passkey is not accepted")

    def __init__(self) -> None:
        super().__init__(N_("This passkey is unknown here or took too long. Try again, or sign in with your password."))


@dataclass(frozen=True, slots=True)
class Host:
    """The host of a passkey: its relying party id and the origin that browsers report."""

    rp_id: str
    origin: str


@dataclass(frozen=True, slots=True)
class PasskeyUser:
    """The member for whom a passkey is registered."""

    tenant_id: UUID
    member_id: UUID
    email: str
    name: str

    @property
    def handle(self) -> bytes:
        """User handle, which the authenticator returns at sign-in, when no member is known yet."""
        return self.tenant_id.bytes + self.member_id.bytes


def registration_options(
    host: Host, user: PasskeyUser, known: Sequence[Passkey], challenge: bytes, *, brand: str
) -> str:
    """JSON for `navigator.credentials.create`."""
    options = webauthn.generate_registration_options(
        rp_id=host.rp_id, rp_name=brand, user_name=user.email, user_display_name=user.name, user_id=user.handle,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one.credential_id) for one in known],
    )  # fmt: skip
    return webauthn.options_to_json(options)


def sign_in_options(host: Host, challenge: bytes) -> str:
    """JSON for `navigator.credentials.get`: any passkey of the host, which names its member."""
    options = webauthn.generate_authentication_options(
        rp_id=host.rp_id, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
    )
    return webauthn.options_to_json(options)


async def add_passkey(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, host: Host, member_id: UUID, response: str, challenge: bytes, *, name: str, passkey_id: UUID,
    now: datetime,
) -> None:  # fmt: skip
    """Verify the response of a registration and store the passkey.

    Raises:
        PasskeyRefused: the response does not fit host and challenge, or the person was not verified.
        Conflict: the member has too many, or this one already.
    """
    scope = scope_of(session)
    try:
        verified = webauthn.verify_registration_response(
            credential=_read(response), expected_challenge=challenge, expected_rp_id=host.rp_id,
            expected_origin=host.origin, require_user_verification=True,
        )  # fmt: skip
    except _WRONG as problem:
        raise PasskeyRefused from problem
    if await count_passkeys(session, member_id) >= MOST:
        raise Conflict(N_("You have {most} passkeys. Remove one first."), params={"most": MOST})
    new = insert(Passkey).values(
        tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=passkey_id, member_id=member_id, name=clean_name(name),
        credential_id=verified.credential_id, public_key=verified.credential_public_key,
        sign_count=verified.sign_count, rp_id=host.rp_id, created_at=now,
    )  # fmt: skip
    if await session.scalar(new.on_conflict_do_nothing().returning(Passkey.id)) is None:
        raise Conflict(N_("This passkey is registered already."))


async def use_passkey(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, host: Host, member_id: UUID, credential: AuthenticationCredential, challenge: bytes, *,
    now: datetime,
) -> None:  # fmt: skip
    """Verify the response of a sign-in by a passkey of this member.

    Raises:
        PasskeyRefused: unknown, of another host, or not valid.
    """
    own = (Passkey.tenant_id == scope_of(session).tenant_id, Passkey.member_id == member_id)
    query = select(Passkey).where(*own, Passkey.credential_id == credential.raw_id, Passkey.rp_id == host.rp_id)
    known = await session.scalar(query.with_for_update())
    if known is None:
        raise PasskeyRefused
    try:
        verified = webauthn.verify_authentication_response(
            credential=credential, expected_challenge=challenge, expected_rp_id=host.rp_id,
            expected_origin=host.origin, credential_public_key=known.public_key,
            credential_current_sign_count=known.sign_count, require_user_verification=True,
        )  # fmt: skip
    except _WRONG as problem:
        raise PasskeyRefused from problem
    values = {"sign_count": verified.new_sign_count, "last_used_at": now}
    await session.execute(update(Passkey).where(*own, Passkey.id == known.id).values(values))


def read_sign_in(response: str) -> tuple[AuthenticationCredential, bytes]:
    """The response of a sign-in, unverified, and its challenge.

    Raises:
        PasskeyRefused: the response is malformed.
    """
    try:
        credential = parse_authentication_credential_json(_read(response))
        return credential, parse_client_data_json(credential.response.client_data_json).challenge
    except _WRONG as problem:
        raise PasskeyRefused from problem


def read_registration_challenge(response: str) -> bytes:
    """Raises: PasskeyRefused."""
    try:
        credential = parse_registration_credential_json(_read(response))
        return parse_client_data_json(credential.response.client_data_json).challenge
    except _WRONG as problem:
        raise PasskeyRefused from problem


def read_handle(credential: AuthenticationCredential) -> tuple[UUID, UUID]:
    """Account and member. Raises: PasskeyRefused."""
    handle = credential.response.user_handle or b""
    if len(handle) != 2 * _UUID_BYTES:
        raise PasskeyRefused
    return UUID(bytes=handle[:_UUID_BYTES]), UUID(bytes=handle[_UUID_BYTES:])


async def list_passkeys(session: AsyncSession, member_id: UUID) -> Sequence[Passkey]:
    own = (Passkey.tenant_id == scope_of(session).tenant_id, Passkey.member_id == member_id)
    return (await session.scalars(select(Passkey).where(*own).order_by(Passkey.id))).all()


async def count_passkeys(session: AsyncSession, member_id: UUID) -> int:
    own = (Passkey.tenant_id == scope_of(session).tenant_id, Passkey.member_id == member_id)
    return await session.scalar(select(func.count()).select_from(Passkey).where(*own)) or 0


async def remove_passkey(session: AsyncSession, member_id: UUID, passkey_id: UUID) -> str:
    """Delete a passkey. Returns its name.

    Raises:
        NotFound: the member has no such passkey.
    """
    own = (Passkey.tenant_id == scope_of(session).tenant_id, Passkey.member_id == member_id)
    name: str | None = await session.scalar(
        delete(Passkey).where(*own, Passkey.id == passkey_id).returning(Passkey.name)
    )
    if name is None:
        raise NotFound
    return name


async def remove_passkeys(session: AsyncSession, member_id: UUID) -> None:
    own = (Passkey.tenant_id == scope_of(session).tenant_id, Passkey.member_id == member_id)
    await session.execute(delete(Passkey).where(*own))


def _read(response: str) -> dict[str, Any]:
    """Raises: PasskeyRefused."""
    found = decode_json(response.encode(), type=dict[str, Any]) if response else None
    if not found:
        raise PasskeyRefused
    return found
