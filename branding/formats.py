"""Formats of values on pages. Pure functions; the environment offers each as a filter."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from urllib.parse import quote

from markupsafe import Markup, escape

from canonical.money import Money, UnknownCurrency, kept_exponent
from foundation.text import clean_foreign_text, isolate, mark_hidden, mark_key

_NARROW = "\N{NO-BREAK SPACE}"
_TENTHS = 9.95
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def format_money(value: Money) -> str:
    """1,999.00 USD, with a non-breaking space.

    A currency unknown to ISO 4217 is shown in minor units, with a note.
    """
    try:
        digits = kept_exponent(value.currency)
    except UnknownCurrency:
        return f"{value.minor:,}{_NARROW}minor units of {value.currency}".replace("-", "−")
    amount = Decimal(value.minor).scaleb(-digits)
    return f"{amount:,.{digits}f}{_NARROW}{value.currency}".replace("-", "−")


def format_key(value: str) -> Markup:
    """A record's key as another system wrote it: every character visible, with isolated text direction."""
    marked = mark_key(value)
    return escape(marked) if marked.isascii() else Markup('<bdi class="key">{}</bdi>').format(marked)


def encode_exactly(value: str) -> str:
    """A key in an address: every character with a meaning in addresses is encoded, slashes too."""
    return quote(value, safe="")


def show_text(value: object) -> object:
    """Text for a page, whatever its source: invisible characters are marked, and its direction is isolated. Markup is
    the product's own.
    """
    if not isinstance(value, str) or isinstance(value, Markup) or (value.isascii() and value.isprintable()):
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
    return f"{value * 100:,.{digits}f}%".replace("-", "−")


def format_grouped(value: float | Decimal) -> str:
    return f"{value:,}".replace("-", "−")


def format_duration(value: timedelta | float) -> str:
    """The two largest units; tenths of a second below ten. `value` is a timedelta or seconds."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if 0 < abs(seconds) < 1:
        return f"{round(seconds * 1000)}{_NARROW}ms".replace("-", "−")
    if abs(seconds) < _TENTHS:
        return f"{seconds:.1f}".removesuffix(".0").replace("-", "−") + f"{_NARROW}s"
    sign, rest = ("−" if seconds < 0 else ""), round(abs(seconds))
    parts = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{_NARROW}{unit}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return sign + " ".join(parts)


def format_datetime(value: datetime, zone: tzinfo = UTC, *, seconds: bool = False) -> Markup:
    """A <time> element with the exact instant; `zone` is the viewer's. `seconds` where the order of moments matters."""
    return _time(value, write_datetime(value, zone, seconds=seconds))


def write_datetime(value: datetime, zone: tzinfo = UTC, *, seconds: bool = False) -> str:
    """As `format_datetime`, for plain text such as a mail's."""
    local = value.astimezone(zone)
    clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    return f"{local.day} {local:%b %Y}, {clock} {local.tzname()}"


def format_date(value: datetime, zone: tzinfo = UTC) -> Markup:
    local = value.astimezone(zone)
    return _time(value, f"{local.day} {local:%b %Y}")


def format_ago(value: datetime, now: datetime) -> Markup:
    """5 min ago, in 2 h, just now; the exact instant is in the title."""
    seconds = (now - value).total_seconds()
    if abs(seconds) < 10:
        return _time(value, "just now")
    size, unit = next((size, unit) for size, unit in _UNITS if abs(seconds) >= size)
    amount = f"{int(abs(seconds) // size)}{_NARROW}{unit}"
    return _time(value, f"{amount} ago" if seconds > 0 else f"in {amount}")


def format_initials(name: str) -> str:
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


def _time(value: datetime, text: str) -> Markup:
    instant = value.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        instant.isoformat(timespec="seconds"), f"{instant:%Y-%m-%d %H:%M:%S} UTC", escape(text)
    )
