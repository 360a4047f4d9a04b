"""Validation of text from pages and the API, before any database access."""

from datetime import UTC, datetime

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
    """Parse a time of the reader's zone, such as 2026-11-27T08:00; a time that occurs twice, when clocks are set back,
    is the first one.

    Raises:
        InvalidInput: not a time, or one that is skipped, when clocks are set forward.
    """
    try:
        typed = datetime.fromisoformat(text.strip())
        zone = typed.tzinfo or current_localizer().zone
        at = typed.replace(tzinfo=zone).astimezone(UTC)
        is_skipped = at.astimezone(zone).replace(tzinfo=None) != typed.replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise InvalidInput(N_("“{text}” is not a time."), params={"text": text[:40]}, field=field) from None
    if is_skipped:
        raise InvalidInput(N_("The clocks skip this time on that day. Choose one an hour later."), field=field)
    return at
