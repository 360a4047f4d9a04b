"""Unbranded page of a refusal, without style sheets, for responses sent before the brand is known."""

from html import escape
from typing import Final

from foundation.errors import DomainError
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_

HTML_TYPE: Final = "text/html; charset=utf-8"
_PAGE: Final = (
    '<!doctype html>\n<html lang="{language}">\n<head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title></head>\n'
    "<body><main><h1>{title}</h1><p>{detail}</p><p>{report}</p></main></body>\n</html>\n"
)


def plain_page(error: DomainError, correlation: str) -> bytes:
    return _PAGE.format(
        language=current_localizer().language,
        title=escape(error.heading),
        detail=escape(error.detail),
        report=escape(
            translate(
                N_("Status {status} · Reference {reference}"), status=str(int(error.status)), reference=correlation
            )
        ),
    ).encode()
