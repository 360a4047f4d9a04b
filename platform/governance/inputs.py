"""Validation of text from pages and the API, before any database access."""

from foundation.web.lists import check_exact


def check_text(text: str, field: str) -> str:
    """Return the stripped text. Raises InvalidInput for text that cannot be stored: NUL, lone surrogates, or too long.

    Browsers send a line break as two characters; it counts as one.
    """
    return check_exact(text.replace("\r\n", "\n"), field).strip()
