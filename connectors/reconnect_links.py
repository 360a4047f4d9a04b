"""Links with which somebody without an account renews the credentials of one connection, once."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.audit_actions import ConnectionAction
from connectors.change_connection import change_connection
from connectors.connection_input import ConnectionChanges
from connectors.connections import get_connection
from connectors.manifest import SettingField
from connectors.models import Connection, ReconnectLink
from connectors.ports import Connector
from connectors.runtime import ConnectorRuntime
from connectors.webhooks.directory import HOOK_SECRET
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, DomainError, InvalidInput, NotFound
from foundation.marks import N_
from tenants.accounts import get_client
from tenants.secrets import NewSecret, bytes_of, text_of
from tenants.states import ClientStatus

LIFE: Final = timedelta(days=7)
_SECRET_BYTES: Final = 32
_TOKEN: Final = re.compile(r"([0-9a-f]{32})([0-9a-f]{32})([A-Za-z0-9_-]{43})", re.ASCII)


class ReconnectLinkNotValid(DomainError):
    """An unknown, used, replaced, withdrawn or expired link; the message is the same for all."""

    status = HTTPStatus.GONE
    code = "reconnect-link-not-valid"
    title = N_("This link is no longer valid")

    def __init__(self) -> None:
        super().__init__(
            N_(
                "It has been used, replaced or withdrawn, or has expired. Ask the person who sent it to you for a new "
                "one."
            )
        )


class ReconnectToken(msgspec.Struct, frozen=True):
    """The parts of a link's text; parsed, not verified."""

    tenant_id: UUID
    connection_id: UUID
    secret: bytes

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.secret).digest()


def parse_token(text: str) -> ReconnectToken:
    """Raises ReconnectLinkNotValid."""
    match = _TOKEN.fullmatch(text)
    secret = bytes_of(match[3], _SECRET_BYTES) if match is not None else None
    if match is None or secret is None:
        raise ReconnectLinkNotValid
    return ReconnectToken(UUID(match[1]), UUID(match[2]), secret)


def list_asked_fields(connector: Connector) -> list[SettingField]:
    """Credentials that can be entered by a link: those for calls. No test verifies the webhook secret."""
    return [field for field in connector.manifest.secrets if field.name != HOOK_SECRET]


async def create_reconnect_link(
    session: AsyncSession, runtime: ConnectorRuntime, connection_id: UUID, *, new_secret: NewSecret, now: datetime
) -> tuple[str, ReconnectLink]:
    """Create a link in place of the connection's earlier one. Returns its token, of which only the hash is stored.

    Raises:
        NotFound: no such connection.
        Conflict: this kind of system has no credentials to enter.
    """
    found, scope = await get_connection(session, connection_id), scope_of(session)
    if found.kind not in runtime.registry or not list_asked_fields(runtime.registry[found.kind]):
        raise Conflict(N_("This kind of system has no credentials that a link could ask for."))
    secret = new_secret(_SECRET_BYTES)
    values = {
        "token_hash": hashlib.sha256(secret).digest(), "created_at": now, "created_by": scope.actor.name,
        "expires_at": now + LIFE,
    }  # fmt: skip
    statement = insert(ReconnectLink).values(
        tenant_id=scope.tenant_id, msp_id=scope.msp_id, connection_id=connection_id, **values
    )
    keys = ["tenant_id", "connection_id"]
    await session.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))
    append_audit(
        session, action=ConnectionAction.RECONNECT_LINK_CREATED, subject=f"connection:{connection_id}",
        data={"name": found.name, "until": (now + LIFE).isoformat()}, at=now,
    )  # fmt: skip
    link = await find_reconnect_link(session, connection_id, now=now)
    if link is None:
        raise NotFound
    return f"{scope.tenant_id.hex}{connection_id.hex}{text_of(secret)}", link


async def find_reconnect_link(session: AsyncSession, connection_id: UUID, *, now: datetime) -> ReconnectLink | None:
    """The connection's link, if it is still valid."""
    statement = select(ReconnectLink).where(*_own(session, connection_id), ReconnectLink.expires_at > now)
    return await session.scalar(statement.execution_options(populate_existing=True))


async def revoke_reconnect_link(session: AsyncSession, connection_id: UUID, *, now: datetime) -> None:
    """End the connection's link.

    Raises:
        NotFound: no such connection.
        Conflict: the connection has no link, or an expired one.
    """
    found = await get_connection(session, connection_id)
    if await find_reconnect_link(session, connection_id, now=now) is None:
        raise Conflict(N_("This connection has no link that is still valid."))
    await session.execute(delete(ReconnectLink).where(*_own(session, connection_id)))
    append_audit(
        session, action=ConnectionAction.RECONNECT_LINK_REVOKED, subject=f"connection:{connection_id}",
        data={"name": found.name}, at=now,
    )  # fmt: skip


async def open_reconnect_link(session: AsyncSession, token: ReconnectToken, *, now: datetime) -> Connection:
    """The connection of a valid link, in the scope of its client. The link is not used up.

    Raises ReconnectLinkNotValid.
    """
    link = await session.scalar(select(ReconnectLink).where(*_own(session, token.connection_id)))
    known = bytes(link.token_hash) if link is not None else bytes(_SECRET_BYTES)
    right = hmac.compare_digest(token.digest, known)
    if link is None or not right or not now < link.expires_at:
        raise ReconnectLinkNotValid
    try:
        if (await get_client(session)).status != ClientStatus.ACTIVE:
            raise ReconnectLinkNotValid
        return await get_connection(session, token.connection_id)
    except NotFound:
        raise ReconnectLinkNotValid from None


async def use_reconnect_link(  # noqa: PLR0913 - keyword-only day and time
    session: AsyncSession,
    runtime: ConnectorRuntime,
    token: ReconnectToken,
    secrets: Mapping[str, str],
    *,
    expire_on: str = "",
    now: datetime,
) -> str:
    """Save the credentials once they have passed the connection's test, and use up the link. Empty credentials are
    unchanged. Returns the connection's name.

    Raises:
        ReconnectLinkNotValid: also when the link was used at the same time.
        InvalidInput: nothing was entered, or a credential is malformed; the link stays valid.
        ConnectionTestFailed: the link stays valid.
        TooManyRequests: other tests are under way.
    """
    found = await open_reconnect_link(session, token, now=now)
    asked = list_asked_fields(runtime.registry[found.kind])
    given = {field.name: secrets[field.name] for field in asked if secrets.get(field.name)}
    if not given:
        raise InvalidInput(N_("Enter the new credentials."), field=asked[0].name)
    changes = ConnectionChanges(secrets=given, credentials_expire_on=expire_on)
    await change_connection(session, runtime, found.id, changes, revision=found.revision, now=now)
    used = delete(ReconnectLink).where(*_own(session, found.id), ReconnectLink.token_hash == token.digest)
    if await session.scalar(used.returning(ReconnectLink.connection_id)) is None:
        raise ReconnectLinkNotValid
    name = (await get_connection(session, token.connection_id)).name
    append_audit(
        session, action=ConnectionAction.RECONNECT_LINK_USED, subject=f"connection:{token.connection_id}",
        data={"name": name, "credentials": sorted(given)}, at=now,
    )  # fmt: skip
    return name


def _own(session: AsyncSession, connection_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (ReconnectLink.tenant_id == scope_of(session).tenant_id, ReconnectLink.connection_id == connection_id)
