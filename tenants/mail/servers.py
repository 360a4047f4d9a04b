"""An MSP's own mail server: read, set and removed in the MSP account."""

import ipaddress
from datetime import datetime
from typing import Annotated, Final

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from branding.hosts import normal_host
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput, NotFound
from foundation.mail_settings import DEFAULT_PORT, SmtpServer, SmtpTls
from foundation.marks import N_
from foundation.vault.rotation import EncryptedColumn
from foundation.vault.vault import Vault
from foundation.web.requests import RequestBody
from tenants.emails import clean_email
from tenants.mail.audit_actions import MailAction
from tenants.mail.models import MailServer

_PURPOSE: Final = "mail_server:password"
SEALED_PASSWORD: Final = EncryptedColumn("mail_server", "password", _PURPOSE, keys=("tenant_id",))
_SUBJECT: Final = "mail_server"
_LONGEST: Final = 200


class MailServerInput(RequestBody, frozen=True):
    """`tls`: starttls, tls or none. Without `password`, the stored one stays; it is needed again when the server or
    the user changes. An empty `from_address` is the brand's support address.
    """

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
    port: int = DEFAULT_PORT
    tls: SmtpTls = SmtpTls.STARTTLS
    username: Annotated[str, msgspec.Meta(max_length=_LONGEST)] = ""
    password: Annotated[str, msgspec.Meta(max_length=_LONGEST)] | None = None
    from_address: Annotated[str, msgspec.Meta(max_length=254)] = ""


async def find_mail_server(session: AsyncSession) -> MailServer | None:
    """The mail server of the scope's MSP account."""
    found: MailServer | None = await session.scalar(
        select(MailServer).where(MailServer.tenant_id == scope_of(session).tenant_id)
    )
    return found


async def open_mail_server(session: AsyncSession, vault: Vault) -> tuple[SmtpServer, str] | None:
    """The server with its password, and the sender's address or an empty text."""
    found = await find_mail_server(session)
    if found is None:
        return None
    password = await vault.decrypt(session, _PURPOSE, found.password) if found.password is not None else b""
    server = SmtpServer(
        host=found.host, port=found.port, tls=SmtpTls.of(found.tls), username=found.username, password=password.decode()
    )
    return server, found.from_address


async def set_mail_server(session: AsyncSession, vault: Vault, wanted: MailServerInput, *, now: datetime) -> None:
    """Create or replace the MSP's server.

    Raises:
        InvalidInput: a value is not valid, or the password is missing.
    """
    scope = scope_of(session)
    host, username = _clean_host(wanted.host), wanted.username.strip()
    if not 1 <= wanted.port <= 65535:
        raise InvalidInput(N_("A port is a number from 1 to 65535."), field="port")
    from_address = clean_email(wanted.from_address) if wanted.from_address.strip() else ""
    before = await find_mail_server(session)
    same = before is not None and (before.host, before.port, before.tls, before.username) == (
        host, wanted.port, wanted.tls, username,
    )  # fmt: skip
    sealed = before.password if same and before is not None else None
    if wanted.password:
        sealed = await vault.encrypt(session, _PURPOSE, wanted.password.encode())
    if username and sealed is None:
        # A stored password must not be sent to another server than the one for which it was entered.
        raise InvalidInput(N_("Enter the password of this user on this server."), field="password")
    values = {
        "host": host, "port": wanted.port, "tls": wanted.tls.value, "username": username,
        "password": sealed if username else None, "from_address": from_address, "updated_at": now,
    }  # fmt: skip
    statement = insert(MailServer).values(tenant_id=scope.tenant_id, msp_id=scope.msp_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id"], set_=values))
    audited = {name: values[name] for name in ("host", "port", "tls", "username", "from_address")}
    append_audit(
        session, action=MailAction.SERVER_SET, subject=_SUBJECT, at=now,
        data=audited | {"password_changed": bool(wanted.password)},
    )  # fmt: skip


async def remove_mail_server(session: AsyncSession, *, now: datetime) -> None:
    """Return to the installation's server.

    Raises:
        NotFound: none is set.
    """
    own = MailServer.tenant_id == scope_of(session).tenant_id
    if await session.scalar(delete(MailServer).where(own).returning(MailServer.host)) is None:
        raise NotFound(N_("No mail server is set."))
    append_audit(session, action=MailAction.SERVER_REMOVED, subject=_SUBJECT, data={}, at=now)


def _clean_host(typed: str) -> str:
    name = typed.strip()
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        host = normal_host(name) if ":" not in name else ""
    if not host:
        raise InvalidInput(N_("This is not a host name, such as mail.example.com."), field="host")
    return host
