"""Choice of a reader's language and time zone."""

import re
from datetime import UTC, tzinfo
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from foundation.i18n.catalogues import LANGUAGES, SOURCE_LANGUAGE
from foundation.i18n.localizer import Localizer

UTC_ZONE: Final = "UTC"
_RANGE: Final = re.compile(
    r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]{1,35})?\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*"
)
_MOST_RANGES: Final = 20


@lru_cache(1024)
def choose_language(accepted: str) -> str:
    """The language that the header Accept-Language (RFC 9110, 12.5.4) prefers among ours; English for none of them."""
    wanted: list[tuple[float, int, str]] = []
    for place, each in enumerate(accepted.split(",")[:_MOST_RANGES]):
        found = _RANGE.fullmatch(each)
        if found is None:
            continue
        name, weight = found.group(1).lower(), float(found.group(2) or 1)
        if weight > 0 and (name in LANGUAGES or name == "*"):
            wanted.append((-weight, place, SOURCE_LANGUAGE if name == "*" else name))
    return min(wanted)[2] if wanted else SOURCE_LANGUAGE


@cache
def time_zones() -> frozenset[str]:
    """Names of the places whose time a reader can choose, and UTC."""
    places = {name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/"))}
    return frozenset(places | {UTC_ZONE})


def localizer_of(language: str, zone: str) -> Localizer:
    """The localizer of stored preferences. An unknown language counts as English, an unknown zone as UTC."""
    return Localizer(language if language in LANGUAGES else SOURCE_LANGUAGE, zone_of(zone))


def zone_of(name: str) -> tzinfo:
    """The zone of a stored name; UTC for an unknown one."""
    return ZoneInfo(name) if name != UTC_ZONE and name in time_zones() else UTC
