"""Every page in a pseudo-language: texts with plain letters are data, or are not marked for translation.

Each marked text is longer than its English, in brackets, and has no plain letter, so that it can be distinguished from
the rest.
"""

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from typing import Final

import pytest
from babel.dates import get_month_names

from branding.environment import _make_label
from foundation.i18n.catalogues import FOUNDATION, LANGUAGES, Translations
from foundation.i18n.extraction import extract_by_owner
from foundation.i18n.text_owners import TextOwners
from policy.packaged import starter_rules
from tests.conftest import Urls
from tests.controlplane.test_canary import fill, fitting, handlers, ids_by_parameter
from tests.foundation.i18n.test_catalogues import ROOTS
from tests.support.client_env import ClientEnv
from tests.support.list_rows import Rows
from tests.support.slice_declarations import declarations
from tests.support.web_app import MspSetup, WebApp

LANGUAGE: Final = "de"
"""The language whose catalogue is replaced; numbers and dates keep its formats, which come from CLDR."""
_LETTERS: Final = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "ȧƀƈḓḗƒɠħīĵķŀḿƞǿƥɋřşŧŭṽẇẋẏẑȦƁƇḒḖƑƓĦĪĴĶĿḾȠǾƤɊŘŞŦŬṼẆẊẎẐ"
)
_PLACEHOLDER: Final = re.compile(r"(\{[^}]*\}|%\([a-z_]+\)s)")
_WORD: Final = re.compile(r"[A-Za-z]{2,}")
_NO_PAGE: Final = re.compile(r"^/(api|static|brand|client-brand|hooks|design)\b|\.(csv|pdf|xml|css)$")
"""Addresses that are not pages, and the sample page for developers."""
_SHOWN_ATTRIBUTES: Final = frozenset({"alt", "aria-label", "data-confirm", "data-label", "placeholder", "title"})
_VOID: Final = frozenset({"br", "circle", "hr", "img", "input", "link", "meta", "path", "rect"})
"""Tags without an end."""
_NOT_SHOWN: Final = frozenset({"code", "script", "style", "time"})
"""`code` is as recorded, and `time` comes from CLDR."""


_DATA: Final = (
    r"=?MINE\w*( seat)?", r"\b(custom|price)\.mine\d+", r"(Client|MSP) [0-9a-f]{8}",
    r"https://hooks\.example\.com/\d+", r"\bclient-[0-9a-f]{8}\b",
    r"Calm Harbour", r"\bb-[0-9a-f]{8}\b", r"\b(Ada|Admin|Approver|Partner|setup)\b",
    *(re.escape(rule.description) for rule in starter_rules("") if rule.description),
    r"“none”",
    r"\bplan-\d+\b",
    r"\bshop0\b", r"\bmarket1\b", r"\bERP\b", r"Sandbox (ERP|market|shop)", r"\b(Pricing|Operations|Finance)\b",
    r"What to do is known\.", r"The channel did not accept it\.", r"Use of [\w.]+", r"(Change|Exception) tested",
    r"\b(retail|wholesale) prices\b", r"The price changes by [^.]*\.", r"[\w.-]+@[\w.-]+",
    r"\bSKU-001\b", r"SKU-1\|price\.list",
    r"\b(One|Begin)\b", r"\b(Stream|Owner) \d+",
    r"phase,gate,workstream,task,role,days,evidence(,fact,gate_fact)?\n[\s\S]*",
)  # fmt: skip
"""Data of the samples: names, rules, answers of channels."""
_CODES: Final = (
    r"\b(EUR|USD|UTC|MEZ|SHA-256)\b", r"\b([a-z]+(_[a-z]+)+|currency|location|locale|product)\b",
    r"(?<=[\d ])\s?(min|ms|s|h|d|kB|MB|[Bb]ytes?)\b", r"\b[0-9a-f]{64}\b",
    r"^[A-Z]{2}$", r"https://", r"^[a-z_]+\.[a-z_]+( · |$)",
    r"name, ?slug, ?currency(; language, time_zone, region, environment(, template)?)?",
    r"phase, gate, workstream, task, role, days, evidence(, fact, gate_fact)?", r"“days”", r"^sandbox-\w+$",
    r"\bvendor, bill_number, [\w, ]+, service_to\b", r"\b(sku|customer)\b",
)  # fmt: skip
"""Codes and symbols that are the same in every language, and the initials of people."""
_NAMES: Final = (
    "|".join(LANGUAGES.values()), r"\b(Tryton|Vendure)\b",
    r"^[A-Z]\w+(/[\w +-]+)+$", "|".join(get_month_names("wide", "stand-alone", LANGUAGE).values()),
    r"\b(" + "|".join(map(re.escape, get_month_names("abbreviated", "format", LANGUAGE).values())) + r") \d{4}\b",
)  # fmt: skip
"""Languages and places by their own names, and months, which come from CLDR."""
KNOWN: Final = re.compile("|".join((*_DATA, *_CODES, *_NAMES)))


def pseudo(text: str) -> str:
    parts = [part if place % 2 else part.translate(_LETTERS) for place, part in enumerate(_PLACEHOLDER.split(text))]
    return f"⟦{''.join(parts)}{'~' * (len(text) // 3)}⟧"


def test_a_pseudo_text_has_its_placeholders_and_no_letters() -> None:
    assert pseudo("Keep {data} for %(days)s days") == "⟦Ķḗḗƥ {data} ƒǿř %(days)s ḓȧẏş~~~~~~~~~⟧"


class _Shown(HTMLParser):
    """Visible and spoken texts; the classes of exact data, such as links, are excluded."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_data = tag in _NOT_SHOWN or {"breaks", "mono", "key"} & set((given.get("class") or "").split())
        if tag not in {"input", "img", "meta", "link", "br", "hr", "path", "rect", "circle"} and (
            is_data or self._hidden
        ):
            self._hidden.append(tag)
        if not is_data and not self._hidden:
            self.texts += [value for name, value in given.items() if name in _SHOWN_ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and tag == self._hidden[-1]:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.texts.append(data.strip())


def plain_words(html: str) -> Iterator[str]:
    """Shown texts with plain words other than data."""
    page = _Shown()
    page.feed(html)
    for text in page.texts:
        if _WORD.search(KNOWN.sub(" ", text)):
            yield text


@cache
def pseudo_translations() -> Translations:
    """Every marked text of the sources in the pseudo-language."""
    catalogues = extract_by_owner(ROOTS, TextOwners((), FOUNDATION)).values()
    texts = [each for catalogue in catalogues for each in catalogue]
    single = {each.id: pseudo(each.id) for each in texts if isinstance(each.id, str) and each.id}
    plural = {each.id[0]: tuple(map(pseudo, each.id)) for each in texts if isinstance(each.id, tuple)}
    return Translations(single, plural)


@pytest.fixture
def pseudo_catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    made = pseudo_translations()
    monkeypatch.setattr(
        "foundation.i18n.localizer.load_catalogue", lambda language: made if language == LANGUAGE else Translations()
    )
    _make_label.cache_clear()  # of texts that an earlier test of this process read in German
    yield
    _make_label.cache_clear()


async def fill_client(env: ClientEnv) -> None:
    """A row of every list, and changes in every state."""
    rows = Rows(env, "MINE")
    for number, add in enumerate(declarations("list_samples", "SAMPLES").values(), start=2):
        await add(rows, number)
    sample = rows.sample
    channel = next(iter(env.channels))
    for state in ("pending", "accepted", "refused", "failed", "superseded", "stale_approval"):
        await sample.change(f"=MINE{state}", 1000, 1040, states={channel: state}, currency="USD")
    for state in ("refused", "superseded", "expired", "declined"):
        outcome = "refuse" if state == "refused" else "review"
        await sample.change(f"=MINE{state}2", 1000, 10, state=state, outcome=outcome, is_current=False)


def paths_of(web_app: WebApp, msp_setup: MspSetup, urls: Urls) -> list[str]:
    """Addresses of all pages and of self-refreshing fragments."""
    ids = ids_by_parameter(urls, msp_setup, most=3)
    templates = [template for method, template, _ in handlers(web_app.app) if method == "GET"]
    pages = [each for each in templates if not _NO_PAGE.search(each)]
    found = [fill(each, msp_setup.slug, row) for each in pages for row in fitting(each, ids)]
    return [*dict.fromkeys(found), "/retention?data_class=changes&keep_days=365"]


async def test_every_page_is_whole_in_another_language(
    web_app: WebApp, env: ClientEnv, urls: Urls, msp_setup: MspSetup, pseudo_catalogue: None
) -> None:
    await fill_client(env)
    wrong: dict[str, str] = {}
    shown = 0
    for who in (msp_setup.admin, msp_setup.partner, ""):
        visit = await web_app.signed_in(msp_setup.host, who) if who else web_app.visit(msp_setup.host)
        visit.http.headers["accept-language"] = LANGUAGE
        for path in paths_of(web_app, msp_setup, urls):
            if who == msp_setup.partner and "/channel" not in path:
                continue
            answer = await visit.get(path)
            if answer.status_code < 500 and answer.headers.get("content-type", "").startswith("text/html"):
                shown += answer.status_code == 200
                wrong |= dict.fromkeys(plain_words(answer.text), path)
    assert wrong == {}
    assert shown > 50


@pytest.mark.parametrize("form", [{"email": "nobody", "password": "x", "next": ""}, {}])
async def test_a_refused_form_is_whole_in_another_language(
    web_app: WebApp, msp_setup: MspSetup, pseudo_catalogue: None, form: dict[str, str]
) -> None:
    visit = web_app.visit(msp_setup.host)
    visit.http.headers["accept-language"] = LANGUAGE
    await visit.get("/sign-in")
    answer = await visit.post("/sign-in", form)
    assert answer.status_code >= 400
    assert list(plain_words(answer.text)) == []
