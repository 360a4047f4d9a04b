"""Times at which notifications reach a member: mails at once, or with a summary, and nothing in the quiet hours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_

SAME_AGAIN: Final = timedelta(hours=1)
"""A member has one mail about the same kind and page within this time; what happens meanwhile is in the next one."""


class MailMode(LabelledCode):
    OFF = "off", N_("No mail")
    AT_ONCE = "at_once", N_("At once")
    HOURLY = "hourly", N_("Summary every hour")
    DAILY = "daily", N_("Summary once a day")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` until before `end`, by the member's clock; over midnight if `end` is earlier. Equal times: none."""

    start: time
    end: time

    def include(self, local: time) -> bool:
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


@dataclass(frozen=True, slots=True)
class MailTimes:
    """A member's time zone, the time of their daily summary, and their quiet hours."""

    zone: tzinfo
    daily_at: time
    quiet: QuietHours | None


def next_mail_at(now: datetime, mode: MailMode, times: MailTimes, *, passes: bool, last: datetime | None) -> datetime:
    """The earliest time for a mail about an event at `now`. `passes`: quiet hours do not delay it. `last` is the time
    of the latest mail about the same subject; it applies to mails at once only.

    Raises:
        ValueError: `mode` is off.
    """
    if mode is MailMode.OFF:
        raise ValueError("no mail is wanted")
    if mode is MailMode.HOURLY:
        local = now.astimezone(times.zone)
        due = local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        while due <= now:
            due += timedelta(hours=1)
    elif mode is MailMode.DAILY:
        due = _next(now, times.daily_at, times.zone)
    else:
        due = max(now, last + SAME_AGAIN) if last is not None else now
    return due if passes else after_quiet_hours(due, times)


def after_quiet_hours(due: datetime, times: MailTimes) -> datetime:
    """The end of the quiet hours in which `due` is, else `due`."""
    quiet = times.quiet
    while quiet is not None and quiet.include(due.astimezone(times.zone).time()):
        due = _next(due, quiet.end, times.zone)  # again only where the clock is put forward over the end
    return due


def _next(after: datetime, wall: time, zone: tzinfo) -> datetime:
    """The first instant after `after` at which the clock of the zone shows `wall`; a later time of that day where the
    clock is put forward over it.
    """
    return min(one for one in _instants(after, wall, zone) if one > after)


def _instants(after: datetime, wall: time, zone: tzinfo) -> Iterator[datetime]:
    day = after.astimezone(zone).date()
    for days in range(4):  # a zone may leave a whole day out, as Samoa did
        for fold in (0, 1):
            shown = datetime.combine(day + timedelta(days=days), wall.replace(fold=fold), tzinfo=zone)
            instant = shown.astimezone(UTC)
            if fold == 0 or instant.astimezone(zone).replace(tzinfo=None) == shown.replace(tzinfo=None):
                yield instant
