"""Formats of values on pages, in the reader's language and time zone; the environment offers each as a filter."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from urllib.parse import quote

from markupsafe import Markup, escape

from canonical.money import Money, UnknownCurrency, stored_exponent
from foundation.i18n.localizer import NO_BREAK, Localizer, current_localizer
from foundation.marks import N_
from foundation.text import clean_foreign_text, is_plainly_visible, isolate, mark_hidden, mark_key


def format_money(value: Money, localizer: Localizer | None = None) -> str:
    """$1,999.00, or 1.999,00 $ for a reader of German.

    A currency unknown to ISO 4217 is shown in minor units, with a note.
    """
    words = localizer or current_localizer()
    try:
        digits = stored_exponent(value.currency)
    except UnknownCurrency:
        return (
            words.text(N_("{number} minor units of {currency}"))
            .format(number=words.number(value.minor), currency=value.currency)
            .replace(" ", NO_BREAK, 1)
        )
    return words.money(Decimal(value.minor).scaleb(-digits), value.currency, digits)


def write_exact_money(number: Decimal, currency: str, localizer: Localizer | None = None, *, places: int = 0) -> str:
    """$0.0015: exactly the number, with at least `places` digits after the point."""
    own = max(places, -int(number.as_tuple().exponent))
    return (localizer or current_localizer()).money(number, currency, own)


def format_amount(number: Decimal, localizer: Localizer | None = None, *, places: int = 0) -> str:
    """1,999.00: exactly the number, with at least `places` digits after the point."""
    own = max(places, -int(number.as_tuple().exponent))
    return (localizer or current_localizer()).number(number, own)


def format_key(value: str) -> Markup:
    """A record's key as another system wrote it: every character visible, with isolated text direction."""
    marked = mark_key(value)
    return escape(marked) if marked.isascii() else Markup('<bdi class="key">{}</bdi>').format(marked)


def encode_exactly(value: str) -> str:
    """A key in an address: every character with a meaning in addresses is encoded, slashes too."""
    return quote(value, safe="")


def show_text(value: object) -> object:
    """Text for a page, from any source: invisible characters are marked, and its direction is isolated. Markup is
    the product's own.
    """
    if not isinstance(value, str) or isinstance(value, Markup) or is_plainly_visible(value):
        return value
    return isolate(mark_hidden(value.replace("\r\n", "\n"), lines=True))


def show_as_typed(value: object) -> Markup:
    """The exact typed text, for a form's value; documents cannot contain U+0000, which is marked."""
    return escape(clean_foreign_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value)


def show_joined(parts: Iterable[object]) -> object:
    """The `~` of templates. Text joined with markup is escaped as if alone: otherwise it could pass for the product's
    own.
    """
    made = tuple(parts)
    if any(isinstance(part, Markup) for part in made):
        return Markup("").join(escape(show_text(part)) for part in made)
    return "".join(map(str, made))


def format_percent(value: float | Decimal, digits: int = 1) -> str:
    """`value` is a fraction of one: 0.123 is 12.3%."""
    return current_localizer().percent(value, digits)


def format_grouped(value: float | Decimal, localizer: Localizer | None = None) -> str:
    return (localizer or current_localizer()).number(value)


def format_duration(value: timedelta | float) -> str:
    """The two largest units; tenths of a second below ten. `value` is a timedelta or seconds."""
    return current_localizer().duration(value)


def format_datetime(value: datetime, zone: tzinfo | None = None, *, seconds: bool = False) -> Markup:
    """A <time> element with the exact instant, in the reader's zone or in `zone`. `seconds`: with seconds, where the
    order of moments matters.
    """
    return _time(value, write_datetime(value, zone, seconds=seconds))


def write_datetime(value: datetime, zone: tzinfo | None = None, *, seconds: bool = False) -> str:
    """As `format_datetime`, for plain text such as a mail's."""
    return _in_zone(zone).moment(value, seconds=seconds)


def format_date(value: datetime | date, zone: tzinfo | None = None) -> Markup:
    """A <time> element with the day of an instant in the reader's zone, or with a day of the calendar as it is."""
    if not isinstance(value, datetime):
        return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), current_localizer().day(value))
    return _time(value, _in_zone(zone).date(value))


def format_month(value: datetime) -> str:
    """November 2026, of an instant in UTC."""
    return current_localizer().month(value)


def format_short_month(value: datetime) -> str:
    """Nov 2026, of an instant in UTC."""
    return current_localizer().short_month(value)


def format_ago(value: datetime, now: datetime) -> Markup:
    """5 min ago, in 2 hr, just now; the exact instant is in the title."""
    return _time(value, current_localizer().ago(value, now))


def format_initials(name: str) -> str:
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


def _in_zone(zone: tzinfo | None) -> Localizer:
    localizer = current_localizer()
    return localizer if zone is None else replace(localizer, zone=zone)


def _time(value: datetime, text: str) -> Markup:
    day, _, rest = value.astimezone(UTC).isoformat(timespec="seconds").partition("T")
    # Not by `Markup.format`, which takes longer than all of a row's other cells.
    return Markup(f'<time datetime="{day}T{rest}" title="{day} {rest[:8]} UTC">{escape(text)}</time>')  # noqa: S704
