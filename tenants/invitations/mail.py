"""Draft of an invitation mail: plain text, opened in the inviter's own mail program."""

from typing import Final
from urllib.parse import quote

from branding.formats import write_datetime
from foundation.i18n.localizer import translate
from tenants.models import Member

_LINE: Final = "\r\n"


def mail_address(member: Member, *, account: str, link: str) -> str:
    """A `mailto:` address (RFC 6068) with subject and text, without markup."""
    if member.invite_until is None:
        invitation = translate(
            "you are invited to {account}. Open this link and choose a password; it works once:", account=account
        )
    else:
        invitation = translate(
            "you are invited to {account}. Open this link and choose a password; it works once, until {time}:",
            account=account,
            time=write_datetime(member.invite_until),
        )
    lines = [
        f"{member.name},",
        "",
        invitation,
        "",
        link,
        "",
    ]
    subject, body = (
        quote(translate("Your access to {account}", account=account), safe=""),
        quote(_LINE.join(lines), safe=""),
    )
    return f"mailto:{quote(member.email, safe='@')}?subject={subject}&body={body}"
