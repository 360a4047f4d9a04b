"""Text of mails: subject, plain part and HTML part from a mail's type, in the recipient's language, under a brand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Final, cast
from uuid import UUID

import idna
import jinja2

from branding.brand import Brand
from branding.environment import build_environment
from branding.formats import write_datetime
from branding.images import ImageKind
from foundation.i18n.localizer import localized, translate
from foundation.i18n.negotiation import localizer_of
from foundation.marks import N_
from tenants.mail.mail_types import ENTRIES, LINK, TIMES, Entry, MailType, read_entries
from tenants.mail.mailer import Attachment, Recipient

_TEMPLATE: Final = "tenants/mail.html"
_ROOM: Final = Path(__file__).parents[1]
LOGO_ID: Final = "logo@mail"
_GREETING: Final = N_("Hello {name},")


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str
    html: str


def write_letter(mail_type: MailType, params: Mapping[str, str], brand: Brand, to: Recipient) -> Letter:
    """`params` as `Mailer.open_content` returns them."""
    with localized(localizer_of(to.language, to.time_zone)):
        values = {
            name: write_datetime(datetime.fromisoformat(value)) if name in TIMES else one_line(value)
            for name, value in params.items()
            if name != ENTRIES
        }
        entries = [Entry(one_line(one.text), one_line(one.link)) for one in read_entries(params.get(ENTRIES, "[]"))]
        values["support"] = brand.support_email
        subject = translate(mail_type.subject, **values)
        greeting = translate(_GREETING, name=one_line(to.name))
        lines = [greeting, *(translate(line, **values) for line in mail_type.lines)]
        closing = [translate(line, **values) for line in mail_type.closing]
        link = values.get(LINK, "") if mail_type.action else ""
        listed = [f"- {one.text}\n  {one.link}" for one in entries]
        parts = [*lines, *listed, *([link] if link else []), *closing, f"{brand.name}\n{brand.support_email}"]
        context = {
            "brand": brand, "subject": subject, "lines": lines, "entries": entries, "closing": closing, "link": link,
            "action": translate(mail_type.action) if mail_type.action else "", "language": to.language,
            "logo": brand.images.get(ImageKind.LOGO), "logo_id": LOGO_ID,
        }  # fmt: skip
        html = _environment().get_template(_TEMPLATE).render(context)
    return Letter(one_line(subject), "\n\n".join(parts) + "\n", html)


def build_message(  # noqa: PLR0913 - keyword-only
    letter: Letter,
    brand: Brand,
    to: Recipient,
    *,
    mail_id: UUID,
    from_address: str,
    at: datetime,
    logo: bytes | None = None,
    attachments: Sequence[Attachment] = (),
) -> EmailMessage:
    """The message to send. Its Message-ID is the same at each attempt, so that a receiver recognizes a repetition.

    `from_address` replaces the brand's address as the sender's; answers still go to the brand's. `logo` is the content
    of the brand's uploaded logo: it is sent along, because mail programs load nothing from other places unasked.
    """
    message = EmailMessage()
    sender = _address(brand.sender_name, from_address or brand.support_email)
    message["From"] = sender
    if from_address and from_address != brand.support_email:
        message["Reply-To"] = _address(brand.sender_name, brand.support_email)
    message["To"] = _address(one_line(to.name), to.email)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{mail_id.hex}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    if logo is not None:
        html = cast(EmailMessage, list(message.iter_parts())[-1])
        html.add_related(logo, "image", "png", cid=f"<{LOGO_ID}>", disposition="inline", filename="logo.png")
    for one in attachments:
        main, _, sub = one.media_type.partition("/")
        message.add_attachment(one.file, maintype=main, subtype=sub, filename=one.name)
    message["Content-Language"] = to.language  # before the contents, it would be moved into the first
    return message


def one_line(text: str) -> str:
    """The text without line breaks and control characters: nothing in it begins another header or paragraph."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def ascii_address(address: str) -> str:
    """The address with its domain in the form of DNS. The part before the @ is unchanged."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{idna.encode(domain, uts46=True).decode()}" if not domain.isascii() else address


def _address(name: str, address: str) -> Address:
    local, _, domain = ascii_address(address).rpartition("@")
    return Address(display_name=name, username=local, domain=domain)


@cache
def _environment() -> jinja2.Environment:
    return build_environment({"tenants": _ROOM}, static_url=str)
