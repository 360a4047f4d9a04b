"""Page of a refusal before the brand is known, in the reader's language."""

import pytest

from foundation.errors import NotFound
from foundation.i18n.localizer import Localizer, localized
from foundation.web.plain_page import plain_page


@pytest.mark.parametrize(
    ("language", "title", "report"),
    [
        ("en", "Not found", "Status 404 · Reference a&lt;b"),
        ("de", "Nicht gefunden", "Status 404 · Referenz a&lt;b"),
        ("es", "No encontrado", "Estado 404 · Referencia a&lt;b"),
        ("fr", "Introuvable", "Statut 404 · Référence a&lt;b"),
    ],
)
def test_the_page_is_in_the_readers_language(language: str, title: str, report: str) -> None:
    with localized(Localizer(language)):
        page = plain_page(NotFound(), "a<b").decode()
    assert f'<html lang="{language}">' in page
    assert f"<h1>{title}</h1>" in page
    assert f"<p>{report}</p>" in page
