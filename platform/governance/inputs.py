"""Validation of text from pages and the API, before any database access."""

from datetime import datetime

from foundation.errors import InvalidInput
from foundation.i18n.localizer import current_localizer
from foundation.marks import N_
from foundation.web.lists import check_exact


def check_text(text: str, field: str) -> str:
    """Return the stripped text. Raises InvalidInput for text that cannot be stored: NUL, lone surrogates, or too long.

    Browsers send a line break as two characters; it counts as one.
    """
    return check_exact(text.replace("\r\n", "\n"), field).strip()


def read_local_time(text: str, field: str) -> datetime:
    """An instant that was typed as a time of the reader's zone, such as 2026-11-27T08:00. Raises InvalidInput."""
    try:
        typed = datetime.fromisoformat(text.strip())
        return typed if typed.tzinfo else typed.replace(tzinfo=current_localizer().zone)
    except (ValueError, OverflowError):
        raise InvalidInput(N_("“{text}” is not a time."), params={"text": text[:40]}, field=field) from None
