"""Draft of an invitation mail: plain text, opened in the inviter's own mail program."""

from typing import Final
from urllib.parse import quote

from branding.formats import write_datetime
from tenants.models import Member

_LINE: Final = "\r\n"


def mail_address(member: Member, *, account: str, link: str) -> str:
    """A `mailto:` address (RFC 6068) with subject and text, without markup."""
    until = f", until {write_datetime(member.invite_until)}" if member.invite_until is not None else ""
    lines = [
        f"{member.name},",
        "",
        f"you are invited to {account}. Open this link and choose a password; it works once{until}:",
        "",
        link,
        "",
    ]
    subject, body = quote(f"Your access to {account}", safe=""), quote(_LINE.join(lines), safe="")
    return f"mailto:{quote(member.email, safe='@')}?subject={subject}&body={body}"
