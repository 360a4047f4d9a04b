"""Plain-text mail contains no markup, whatever the names contain."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

import tenants
from foundation.ids import new_id
from foundation.names import clean_name
from tenants.invitations.mail import mail_address
from tenants.models import Member

LINK = "https://portal.example/welcome/0a"
ROOT = Path(tenants.__file__).parent.parent


def read_mail(name: str, email: str, account: str) -> tuple[str, str, str]:
    until = datetime(2026, 3, 9, 9, 30, tzinfo=UTC)
    member = Member(id=new_id(), name=clean_name(name), email=email, invite_until=until)
    parts = urlsplit(mail_address(member, account=clean_name(account), link=LINK))
    fields = parse_qs(parts.query, strict_parsing=True)
    assert parts.scheme == "mailto"
    return unquote(parts.path), fields["subject"][0], fields["body"][0]


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("Mia Sand", "Acme"), ("Mia & Co", "Ben & Jerry's"), ("<b>Mia</b>", 'A "B" <C>'), ("ميا", "أكمي"),
        ("Zoë &amp; Söhne", "100% + 1 = ?&body=x#y"),
    ],
)  # fmt: skip
def test_the_mail_of_an_invitation_is_plain_text(name: str, account: str) -> None:
    to, subject, body = read_mail(name, "mia+a@example.com", account)
    assert to == "mia+a@example.com"
    assert subject == f"Your access to {account}"
    assert body == (
        f"{name},\r\n\r\nyou are invited to {account}. Open this link and choose a password; it works once, until"
        f" 9 Mar 2026, 09:30 UTC:\r\n\r\n{LINK}\r\n"
    )


@pytest.mark.parametrize(
    "email", ["a?subject=x@example.com", "a&b@example.com", "josé@müller.example", "a%0d@example.com"]
)
def test_an_address_adds_no_field_to_the_mail(email: str) -> None:
    assert read_mail("Mia", email, "Acme")[1] == "Your access to Acme"
    assert mail_address(Member(id=new_id(), name="Mia", email=email), account="Acme", link=LINK).isascii()


@pytest.mark.parametrize("path", sorted(ROOT.glob("[!.]*/**/templates/**/*.html")), ids=str)
def test_no_page_writes_a_mail(path: Path) -> None:
    """A template escapes and marks joined text; a mail's text is written in Python."""
    if "node_modules" not in path.parts and "mailto:" in (source := path.read_text()):
        assert "body=" not in source
        assert "subject=" not in source
