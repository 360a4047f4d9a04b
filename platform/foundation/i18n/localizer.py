"""Localizer: texts, numbers and instants in one reader's language and time zone, by the Unicode locale data (CLDR)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from datetime import date as CalendarDay  # noqa: N812 - Localizer.date is a method
from decimal import Decimal
from functools import cache, lru_cache
from typing import Final

from babel import Locale
from babel.dates import format_timedelta, get_timezone_name
from babel.lists import format_list
from babel.numbers import format_currency

from foundation.i18n.catalogues import SOURCE_LANGUAGE, load_catalogue
from foundation.marks import N_, Phrase

NO_BREAK: Final = "\N{NO-BREAK SPACE}"
_REGION: Final = {SOURCE_LANGUAGE: "en_GB"}
"""Regions whose formats a language uses: English with the day before the month, and hours from 0 to 24."""
_CAPITAL_NOUNS: Final = frozenset({"de"})
_UNITS: Final = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
_SYMBOLS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
"""Symbols of the International System of Units, which are the same in every language."""
_NOW_SECONDS: Final = 10
_TENTHS: Final = 9.95
_NEVER: Final = 10.0**12
_LONGEST_ZONE: Final = 6


@dataclass(frozen=True, slots=True)
class Localizer:
    """One reader's language and time zone."""

    language: str = SOURCE_LANGUAGE
    zone: tzinfo = UTC

    def text(self, source: str) -> str:
        """The translation of an English text; the text itself where there is none."""
        return load_catalogue(self.language).texts.get(source, source)

    def in_sentence(self, label: str) -> str:
        """The label within a sentence: in lower case, except abbreviations, and in languages that capitalise nouns."""
        if self.language in _CAPITAL_NOUNS:
            return label
        return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in label.split(" "))

    def plural(self, one: str, many: str, number: int) -> str:
        """The plural form of a text for `number` in the language."""
        catalogue = load_catalogue(self.language)
        forms = catalogue.plurals.get(one)
        if forms is None:
            return one if number == 1 else many
        return forms[catalogue.form_of(number)]

    def count(self, one: str, many: str, number: int) -> str:
        """The plural form with its `{number}` filled in."""
        return self.plural(one, many, number).format(number=self.number(number))

    def fill(self, source: str, params: Mapping[str, object]) -> str:
        """The translation of `source` with its parameters: integers with separators, phrases translated."""
        text = self.text(source)
        return text.format_map({name: self._param(value) for name, value in params.items()}) if params else text

    def _param(self, value: object) -> object:
        if isinstance(value, Phrase):
            return self.text(value)
        return self.number(value) if isinstance(value, int) and not isinstance(value, bool) else value

    def number(self, value: float | Decimal, digits: int | None = None) -> str:
        """The number with the language's separators, and as many decimals as given."""
        plain = f"{value:,}" if digits is None else f"{value:,.{digits}f}"
        return plain.translate(_signs(self.language))

    def percent(self, value: float | Decimal, digits: int = 1) -> str:
        """The percentage of a fraction: 0.123 is 12.3%."""
        return self.number(value * 100, digits) + _percent_sign(self.language)

    def money(self, number: Decimal, currency: str, digits: int) -> str:
        """The amount as the language writes it: “$19.99” or “19,99 $”, and the code of a currency without a symbol."""
        before, after = _money_signs(self.language, currency)
        sign = "−" if number.is_signed() and number else ""
        return f"{sign}{before}{self.number(abs(number), digits)}{after}"

    def moment(self, at: datetime, *, seconds: bool = False) -> str:
        """The instant, with its zone. An instant that the zone cannot express keeps its own offset."""
        try:
            local = at.astimezone(self.zone)
        except OverflowError:
            return f"{at:%Y-%m-%d %H:%M %z}"
        locale = _locale(self.language)
        clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
        day = locale.date_formats["medium"].apply(local, locale)
        zone = _zone_name(self.language, local.tzinfo, local.utcoffset(), _hour(local))
        return f"{locale.datetime_formats['medium'].format(clock, day)} {zone}"

    def date(self, at: datetime) -> str:
        locale = _locale(self.language)
        return str(locale.date_formats["medium"].apply(at.astimezone(self.zone), locale))

    def day(self, day: CalendarDay) -> str:
        """A day of the calendar, which is in no zone."""
        locale = _locale(self.language)
        return str(locale.date_formats["medium"].apply(day, locale))

    def month(self, at: datetime) -> str:
        """Month and year, such as "November 2026" or "noviembre de 2026"."""
        locale = _locale(self.language)
        return str(locale.datetime_skeletons["yMMMM"].apply(at, locale))

    def short_month(self, at: datetime) -> str:
        """As `month`, for axes: "Nov 2026"."""
        locale = _locale(self.language)
        return str(locale.datetime_skeletons["yMMM"].apply(at, locale))

    def ago(self, at: datetime, now: datetime) -> str:
        """Time relative to now, such as "5 min ago", "in 2 hr" or "just now"."""
        seconds = (now - at).total_seconds()
        if abs(seconds) < _NOW_SECONDS:
            return self.text(N_("just now"))
        unit, size = next((unit, size) for unit, size in _UNITS if abs(seconds) >= size)
        count = int(abs(seconds) // size) * size
        return _ago(self.language, unit, -count if seconds > 0 else count)

    def duration(self, value: timedelta | float) -> str:
        """A duration in its two largest units, with tenths of a second below ten. `value` is a timedelta or seconds."""
        seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
        if 0 < abs(seconds) < 1:
            return f"{self.number(round(seconds * 1000))}{NO_BREAK}ms"
        if abs(seconds) < _TENTHS:
            return self.number(round(seconds, 1) if round(seconds, 1) % 1 else int(round(seconds, 1))) + f"{NO_BREAK}s"
        sign, rest = ("−" if seconds < 0 else ""), round(abs(seconds))
        parts: list[str] = []
        for size, symbol in _SYMBOLS:
            count, rest = divmod(rest, size)
            if count:
                parts.append(f"{count}{NO_BREAK}{symbol}")
            elif parts:
                break
            if len(parts) == 2:
                break
        return sign + " ".join(parts)

    def language_name(self, tag: str) -> str:
        """Name of the language of a tag such as `en-GB`, as in "English (GB)"; the tag's own part where CLDR has no
        name.
        """
        language, _, rest = tag.partition("-")
        name = str(_locale(self.language).languages.get(language, language))
        return f"{name} ({rest})" if rest else name

    def join(self, parts: Sequence[str]) -> str:
        """A list within a sentence: A, B and C."""
        return format_list(list(parts), locale=_locale(self.language)) if parts else ""


ENGLISH: Final = Localizer()


@dataclass(slots=True)
class _Reader:
    """The reader of the current request; known in full once the request is authenticated."""

    localizer: Localizer


_current: ContextVar[_Reader | None] = ContextVar("reader", default=None)


def current_localizer() -> Localizer:
    reader = _current.get()
    return ENGLISH if reader is None else reader.localizer


def translate(text: str, **params: object) -> str:
    """A text in the language of the current reader. `params` replace the placeholders in braces."""
    return current_localizer().fill(text, params)


def use_localizer(localizer: Localizer) -> None:
    """Set the localizer for the rest of the current `localized` block, also for tasks that share it."""
    reader = _current.get()
    if reader is not None:
        reader.localizer = localizer


@contextmanager
def localized(localizer: Localizer) -> Iterator[None]:
    token = _current.set(_Reader(localizer))
    try:
        yield
    finally:
        _current.reset(token)


def _hour(local: datetime) -> datetime:
    """The instant's hour, as the key of a cache: names of zones change at full hours only."""
    return local.replace(minute=0, second=0, microsecond=0)


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(_REGION.get(language, language))


@cache
def _signs(language: str) -> dict[int, str]:
    symbols = _locale(language).number_symbols["latn"]
    return {ord(","): symbols["group"], ord("."): symbols["decimal"], ord("-"): "−"}


@cache
def _percent_sign(language: str) -> str:
    return str(_locale(language).percent_formats[None].suffix[0])


@lru_cache(maxsize=1024)
def _money_signs(language: str, currency: str) -> tuple[str, str]:
    """The signs before and after an amount. In English the dollar of the United States is “$”, as on its invoices, and
    others are “CA$” or “A$”.
    """
    before, after = re.split(r"[\d.,]+", format_currency(0, currency, locale=language), maxsplit=1)
    return before + NO_BREAK * before[-1:].isalpha(), after


@lru_cache(maxsize=4096)
def _ago(language: str, unit: str, seconds: int) -> str:
    written = format_timedelta(
        timedelta(seconds=seconds),
        granularity=unit,  # type: ignore[arg-type]
        threshold=_NEVER,
        add_direction=True,
        format="short",
        locale=_locale(language),
    )
    return re.sub(r"(?<=\d) ", NO_BREAK, written)


@lru_cache(maxsize=4096)
def _zone_name(language: str, zone: tzinfo | None, offset: timedelta | None, at: datetime) -> str:
    """The short name of the zone in the language, else its distance from UTC."""
    if offset == timedelta(0) and zone is UTC:
        return "UTC"
    name = get_timezone_name(at, width="short", locale=_locale(language))
    if name[:1].isalpha() and len(name) <= _LONGEST_ZONE:
        return name
    minutes = round((offset or timedelta(0)).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'−' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")
