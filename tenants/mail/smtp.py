"""Mail transport over SMTP, by aiosmtplib, to checked addresses."""

import asyncio
import ipaddress
import socket
import ssl
from email.message import EmailMessage
from typing import Final

import aiosmtplib
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from foundation.i18n.messages import MessageType
from foundation.mail_settings import SmtpServer, SmtpTls
from foundation.outbound.errors import OutboundRefused
from foundation.outbound.guard import Guard, resolve
from tenants.mail import messages
from tenants.mail.ports import MailNotSent

SMTP_PORTS: Final = frozenset({25, 465, 587, 2525})
"""Ports of mail servers that an MSP may use."""
_SECONDS: Final = 15.0
_LONGEST_ANSWER: Final = 300
_PERMANENT: Final = 500


class SmtpTransport:
    """`guard` checks the servers that MSPs choose; it must allow `SMTP_PORTS`. `tls` is for tests of certificates."""

    def __init__(self, guard: Guard, *, tls: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._tls = tls

    async def send(
        self, server: SmtpServer, message: EmailMessage, *, sender: str, recipient: str, guarded: bool
    ) -> None:
        """Raises: MailNotSent."""
        try:
            async with asyncio.timeout(3 * _SECONDS):
                await self._send(server, message, sender=sender, recipient=recipient, guarded=guarded)
        except OutboundRefused:
            raise MailNotSent(messages.NOT_ALLOWED.write(host=server.host)) from None
        except SMTPAuthenticationError as error:
            raise _problem(messages.SIGN_IN_REFUSED, server, error) from error
        except SMTPRecipientsRefused as error:
            answers = error.recipients
            permanent = all(answer.code >= _PERMANENT for answer in answers)
            raise _problem(
                messages.REFUSED if permanent else messages.DELAYED, server, answers[0], permanent=permanent
            ) from error
        except SMTPResponseException as error:
            # Only a refusal of the mail itself is permanent; after others, the same mail may be accepted later.
            permanent = error.code >= _PERMANENT and isinstance(error, SMTPSenderRefused | SMTPDataError)
            raise _problem(
                messages.REFUSED if permanent else messages.DELAYED, server, error, permanent=permanent
            ) from error
        except ssl.SSLError as error:
            raise _problem(messages.UNTRUSTED, server, error) from error
        except (OSError, SMTPException) as error:
            caused_by_tls = isinstance(error.__cause__, ssl.SSLError)
            raise _problem(messages.UNTRUSTED if caused_by_tls else messages.UNREACHABLE, server, error) from error

    async def _send(
        self, server: SmtpServer, message: EmailMessage, *, sender: str, recipient: str, guarded: bool
    ) -> None:
        connection = await self._connect(server, guarded=guarded)
        # The name given to the server is the sender's domain, not this machine's name.
        client = aiosmtplib.SMTP(
            hostname=server.host,
            sock=connection,
            local_hostname=sender.rpartition("@")[2],
            timeout=_SECONDS,
            use_tls=server.tls is SmtpTls.TLS,
            start_tls=server.tls is SmtpTls.STARTTLS,
            tls_context=self._tls,
        )
        try:
            await client.connect()
            if server.username:
                await client.login(server.username, server.password)
            await client.send_message(message, sender=sender, recipients=[recipient])
        finally:
            client.close()

    async def _connect(self, server: SmtpServer, *, guarded: bool) -> socket.socket:
        """A connection to the first address of the server that answers."""
        if guarded:
            encrypted = server.tls is not SmtpTls.NONE
            found = [str(one) for one in await self._guard.addresses(server.host, server.port, secure=encrypted)]
        else:
            found = list(await resolve(server.host, server.port))
        loop, last = asyncio.get_running_loop(), OSError("the name has no address")
        for address in found:
            family = socket.AF_INET6 if ipaddress.ip_address(address.partition("%")[0]).version == 6 else socket.AF_INET
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.setblocking(False)
            try:
                async with asyncio.timeout(_SECONDS):
                    await loop.sock_connect(connection, (address, server.port))
            except (OSError, TimeoutError) as error:
                connection.close()
                last = OSError(str(error) or "no answer")
            else:
                return connection
        raise last


def _problem(kind: MessageType, server: SmtpServer, answer: object, *, permanent: bool = False) -> MailNotSent:
    text = str(answer) or type(answer).__name__
    return MailNotSent(kind.write(host=server.host, answer=text[:_LONGEST_ANSWER]), permanent=permanent)
