"""Times of further attempts for events that were not delivered."""

from datetime import timedelta

from webhooks.schedule import MOST_ATTEMPTS, RETRY_SCHEDULE, next_delay


def test_attempts_follow_the_schedule_over_days() -> None:
    delays = [next_delay(failed, retry_after=None, jitter=0.0) for failed in range(1, MOST_ATTEMPTS + 1)]
    assert delays == [*RETRY_SCHEDULE, None]
    assert timedelta(days=3) < sum(RETRY_SCHEDULE, timedelta()) < timedelta(days=4)
    assert next_delay(1, retry_after=60.0, jitter=0.0) == timedelta(seconds=60)
    assert next_delay(3, retry_after=60.0, jitter=1.0) == timedelta(minutes=33)
