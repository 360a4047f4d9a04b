"""Localizer: texts and instants in one reader's language and time zone."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final


@dataclass(frozen=True, slots=True)
class Localizer:
    """One reader's language and time zone."""

    language: str = "en"
    zone: tzinfo = UTC

    def text(self, source: str) -> str:
        """The translation of an English text; the text itself where there is none."""
        return source

    def moment(self, at: datetime) -> str:
        """The instant to the minute, with its zone. An instant that the zone cannot express keeps its own offset."""
        try:
            local = at.astimezone(self.zone)
        except OverflowError:
            return f"{at:%Y-%m-%d %H:%M %z}"
        return f"{local:%Y-%m-%d %H:%M %Z}"


ENGLISH: Final = Localizer()
_current: ContextVar[Localizer] = ContextVar("localizer", default=ENGLISH)


def current_localizer() -> Localizer:
    return _current.get()


@contextmanager
def localized(localizer: Localizer) -> Iterator[None]:
    token = _current.set(localizer)
    try:
        yield
    finally:
        _current.reset(token)
