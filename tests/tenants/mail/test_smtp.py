"""Mails handed to a real SMTP server."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from branding.brand import default_brand
from foundation.ids import new_id
from foundation.mail_settings import SmtpServer, SmtpTls
from foundation.outbound.guard import Guard
from foundation.outbound.settings import OutboundSettings, parse_allowed
from tenants.mail import messages
from tenants.mail.compose import build_message, write_letter
from tenants.mail.mail_types import INVITATION
from tenants.mail.mailer import Recipient
from tenants.mail.ports import MailNotSent
from tenants.mail.smtp import SMTP_PORTS, SmtpTransport
from tests.support.mail_server import PASSWORD, USER, MailServer, make_certificate, running_mail_server

OPEN = Guard(OutboundSettings(allowed=parse_allowed("127.0.0.0/8"), ports=SMTP_PORTS))
CLOSED = Guard(OutboundSettings(ports=SMTP_PORTS))
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PARAMS = {"account": "Acme", "link": "https://portal.example/welcome/0a", "until": NOW.isoformat()}


@pytest.fixture
def smtp() -> Iterator[MailServer]:
    with running_mail_server() as server:
        yield server


def message_to(name: str = "Mia Sand", email: str = "mia@example.com", **params: str) -> EmailMessage:
    to, brand = Recipient(email, name, "en"), default_brand()
    letter = write_letter(INVITATION, PARAMS | params, brand, to)
    return build_message(letter, brand, to, mail_id=new_id(), from_address="", at=NOW)


def server_at(port: int, tls: SmtpTls = SmtpTls.NONE, **more: str) -> SmtpServer:
    return SmtpServer(host="127.0.0.1", port=port, tls=tls, **more)


async def send(server: SmtpServer, *, guard: Guard = OPEN, guarded: bool = True) -> None:
    await SmtpTransport(guard).send(
        server, message_to(), sender="help@portal.example", recipient="mia@example.com", guarded=guarded
    )


async def refusal(server: SmtpServer, **how: object) -> MailNotSent:
    with pytest.raises(MailNotSent) as refused:
        await send(server, **how)  # type: ignore[arg-type]
    return refused.value


class TestServers:
    async def test_a_server_takes_the_mail_after_authentication(self, smtp: MailServer) -> None:
        await send(server_at(smtp.port, username=USER, password=PASSWORD))
        assert (smtp.signed_in, smtp.senders) == ([USER], ["help@portal.example"])
        (mail,) = smtp.mails
        assert mail["to"].addresses[0].addr_spec == "mia@example.com"
        assert "https://portal.example/welcome/0a" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]

    async def test_a_wrong_password_is_reported_and_may_be_corrected(self, smtp: MailServer) -> None:
        error = await refusal(server_at(smtp.port, username=USER, password="another"))
        assert (error.reason.message.code, error.permanent) == (messages.SIGN_IN_REFUSED.code, False)
        assert smtp.mails == []

    @pytest.mark.parametrize(
        ("answer", "code", "permanent"),
        [("451 later", messages.DELAYED.code, False), ("554 never", messages.REFUSED.code, True)],
    )
    async def test_refusals_of_the_mail_are_permanent_by_their_code(
        self,
        smtp: MailServer,
        answer: str,
        code: str,
        permanent: bool,  # noqa: FBT001 - a case
    ) -> None:
        smtp.answers.append(answer)
        error = await refusal(server_at(smtp.port))
        assert (error.reason.message.code, error.permanent) == (code, permanent)

    async def test_an_unavailable_server_is_tried_again(self) -> None:
        error = await refusal(server_at(1))
        assert (error.reason.message.code, error.permanent) == (messages.UNREACHABLE.code, False)


class TestGuard:
    @pytest.mark.parametrize("tls", list(SmtpTls))
    async def test_an_msp_cannot_reach_a_private_address(self, smtp: MailServer, tls: SmtpTls) -> None:
        error = await refusal(server_at(smtp.port, tls), guard=CLOSED)
        assert error.reason.message.code == messages.NOT_ALLOWED.code
        await send(server_at(smtp.port), guard=CLOSED, guarded=False)

    @pytest.mark.parametrize(("port", "tls"), [(22, SmtpTls.TLS), (443, SmtpTls.STARTTLS), (587, SmtpTls.NONE)])
    async def test_public_servers_on_mail_ports_with_encryption_only(self, port: int, tls: SmtpTls) -> None:
        server = SmtpServer(host="93.184.216.34", port=port, tls=tls)
        assert (await refusal(server, guard=CLOSED)).reason.message.code == messages.NOT_ALLOWED.code


class TestTls:
    async def test_the_certificate_is_verified(self, tmp_path: Path) -> None:
        serving, trusting = make_certificate(tmp_path)
        with running_mail_server(tls=serving) as smtp:
            server = server_at(smtp.port, SmtpTls.STARTTLS)
            error = await refusal(server)
            assert error.reason.message.code == messages.UNTRUSTED.code
            assert smtp.mails == []
            transport = SmtpTransport(OPEN, tls=trusting)
            await transport.send(server, message_to(), sender="a@b.example", recipient="c@d.example", guarded=True)
            assert len(smtp.mails) == 1

    async def test_a_server_without_encryption_gets_no_mail_that_needs_it(self, smtp: MailServer) -> None:
        await refusal(server_at(smtp.port, SmtpTls.STARTTLS))
        assert smtp.mails == []


class TestHeaders:
    @pytest.mark.parametrize(
        "text",
        [
            "Mia\r\nBcc: x@evil.example",
            "Mia\nSubject: other",
            'Mia" <x@evil.example>',
            "Zoë\x00\x1b[2J",
            "a\u2028b",
            "<b>",
        ],
    )
    def test_no_name_adds_a_header_or_a_recipient(self, text: str) -> None:
        message = message_to(text, account=text)
        raw = message.as_bytes()
        head = raw.split(b"\n\n", 1)[0].decode().lower()
        assert "\nbcc:" not in head
        assert head.count("\nsubject:") == 1
        assert [one.addr_spec for one in message["to"].addresses] == ["mia@example.com"]
        html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
        assert "<b>," not in html

    def test_a_domain_is_written_as_dns_has_it(self) -> None:
        assert message_to(email="mia@müller.example")["to"].addresses[0].domain == "xn--mller-kva.example"
