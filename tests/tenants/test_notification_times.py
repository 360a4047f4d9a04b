"""Times of mails about notifications."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.notifications.timing import SAME_AGAIN, MailMode, MailTimes, QuietHours, next_mail_at

ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia")]
BERLIN = ZONES[1]
SEVEN = time(7)
INSTANTS = st.integers(0, 500_000_000).map(
    lambda seconds: datetime(2011, 12, 25, tzinfo=UTC) + timedelta(seconds=seconds)
)
CLOCKS = st.builds(time, st.integers(0, 23), st.integers(0, 59))
SENT = st.sampled_from([mode for mode in MailMode if mode is not MailMode.OFF])


@given(INSTANTS, SENT, st.sampled_from(ZONES), CLOCKS, st.builds(QuietHours, CLOCKS, CLOCKS), st.booleans())
def test_a_mail_is_never_early_never_quiet_and_comes_within_days(  # noqa: PLR0917 - drawn values
    now: datetime,
    mode: MailMode,
    zone: ZoneInfo,
    daily_at: time,
    quiet: QuietHours,
    passes: bool,  # noqa: FBT001
) -> None:
    due = next_mail_at(now, mode, MailTimes(zone, daily_at, quiet), passes=passes, last=None)
    assert now <= due <= now + timedelta(days=4)
    if passes:
        assert due == next_mail_at(now, mode, MailTimes(zone, daily_at, None), passes=False, last=None)
    else:
        assert not quiet.include(due.astimezone(zone).time())


@pytest.mark.parametrize(
    ("mode", "quiet", "expected"),
    [
        (MailMode.AT_ONCE, None, "2026-07-01T20:30"),
        (MailMode.HOURLY, None, "2026-07-01T21:00"),
        (MailMode.DAILY, None, "2026-07-02T05:00"),
        (MailMode.AT_ONCE, QuietHours(time(22), time(6)), "2026-07-02T04:00"),
        (MailMode.HOURLY, QuietHours(time(22), time(6)), "2026-07-02T04:00"),
        (MailMode.DAILY, QuietHours(time(22), time(8)), "2026-07-02T06:00"),
        (MailMode.AT_ONCE, QuietHours(time(8), time(8)), "2026-07-01T20:30"),
    ],
)
def test_times_are_those_of_the_members_clock(mode: MailMode, quiet: QuietHours | None, expected: str) -> None:
    now = datetime(2026, 7, 1, 20, 30, tzinfo=UTC)  # 22:30 in Berlin
    due = next_mail_at(now, mode, MailTimes(BERLIN, SEVEN, quiet), passes=False, last=None)
    assert due.strftime("%Y-%m-%dT%H:%M") == expected


def test_the_same_is_mailed_again_after_an_hour_at_the_earliest() -> None:
    now = datetime(2026, 7, 1, 10, tzinfo=UTC)
    times = MailTimes(BERLIN, SEVEN, None)
    for ago in (timedelta(0), timedelta(minutes=59), timedelta(hours=2)):
        due = next_mail_at(now, MailMode.AT_ONCE, times, passes=False, last=now - ago)
        assert due == max(now, now - ago + SAME_AGAIN)


def test_a_time_that_the_clock_leaves_out_or_shows_twice() -> None:
    quiet = QuietHours(time(1), time(2, 30))
    times = MailTimes(BERLIN, time(2, 15), quiet)
    forward = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # 01:30; 02:00 to 03:00 is skipped
    assert next_mail_at(forward, MailMode.AT_ONCE, times, passes=False, last=None).astimezone(BERLIN).time() >= time(3)
    back = datetime(2026, 10, 25, 0, 40, tzinfo=UTC)  # 02:40 the first time; 02:15 occurs again
    daily = next_mail_at(back, MailMode.DAILY, MailTimes(BERLIN, time(2, 15), None), passes=False, last=None)
    assert daily == datetime(2026, 10, 25, 1, 15, tzinfo=UTC)


def test_no_mail_has_no_time() -> None:
    with pytest.raises(ValueError, match="no mail"):
        next_mail_at(
            datetime(2026, 1, 1, tzinfo=UTC), MailMode.OFF, MailTimes(UTC, SEVEN, None), passes=False, last=None
        )
