"""Every kind of mail in every language: whole, under its brand, and without the product's name."""

from datetime import UTC, datetime
from typing import Final

import pytest

from branding.brand import Brand, prepare_brand
from branding.theme import parse_theme
from foundation.i18n.catalogues import LANGUAGES
from foundation.ids import new_id
from tenants.mail.compose import build_message, write_letter
from tenants.mail.mail_types import ENTRIES, MAIL_TYPES, TIMES, Entry, MailType, write_entries
from tenants.mail.mailer import Recipient

AT: Final = datetime(2026, 11, 30, 12, tzinfo=UTC)
LINK: Final = "https://portal.example.com/x"


def brand() -> Brand:
    tokens = {"name": "Calm Harbour", "monogram": "CH", "accent": "#1f5fbf", "support_email": "help@harbour.example"}
    return prepare_brand(brand_id=None, msp_id=None, slug="harbour", theme=parse_theme(tokens))


def sample(kind: MailType) -> dict[str, str]:
    """A value for each parameter; texts include hostile ones that could break a mail."""
    found = dict.fromkeys(kind.params - {"support"}, "A\r\nBcc: <b>x</b>")
    found |= dict.fromkeys(TIMES & kind.params, AT.isoformat())
    if "link" in found:
        found["link"] = LINK
    if ENTRIES in found:
        found[ENTRIES] = write_entries([Entry("One\nthing", f"{LINK}/1"), Entry("<i>Another</i>", f"{LINK}/2")])
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", MAIL_TYPES)
def test_a_mail_names_its_brand_and_never_the_product(code: str, language: str) -> None:
    to = Recipient("mia@client.example", "Mia Sand", language, "Europe/Berlin")
    letter = write_letter(MAIL_TYPES[code], sample(MAIL_TYPES[code]), brand(), to)
    message = build_message(letter, brand(), to, mail_id=new_id(), from_address="", at=AT)
    whole = f"{letter.subject}{letter.text}{letter.html}{message.items()}".lower()
    assert "fairlead" not in whole
    assert "{" not in letter.subject + letter.text
    for part in (letter.text, letter.html):
        assert "Calm Harbour" in part
        assert "help@harbour.example" in part
    assert "<b>" not in letter.html
    assert "\n" not in letter.subject
    assert message["Bcc"] is None


def test_a_summary_has_a_link_for_each_entry() -> None:
    kind = MAIL_TYPES["notice_summary"]
    letter = write_letter(kind, sample(kind), brand(), Recipient("mia@client.example", "Mia", "en"))
    assert f"- One thing\n  {LINK}/1" in letter.text
    assert f'href="{LINK}/2"' in letter.html
    assert "&lt;i&gt;Another" in letter.html
