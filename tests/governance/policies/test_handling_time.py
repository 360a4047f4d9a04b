"""The estimate of how long a person needs to answer an approval."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from governance.policies.handling_time import (
    ASSUMED,
    LEAST,
    SITTING,
    HandlingTime,
    estimate_handling,
    read_handling_time,
)

NINE = datetime(2036, 3, 3, 9, tzinfo=UTC)


def at(*minutes: float, by: str = "ana") -> list[tuple[str, datetime]]:
    return [(by, NINE + timedelta(minutes=one)) for one in minutes]


def test_the_median_of_intervals_within_a_sitting() -> None:
    assert estimate_handling(at(0, 1, 2, 4, 8, 16)) == HandlingTime(timedelta(minutes=2), is_measured=True)
    night = at(0, 1, 2, 4, 8, 16, 600, 601, 1500)
    assert estimate_handling(night).each == timedelta(minutes=1.5)


def test_people_do_not_share_their_intervals() -> None:
    both = at(0, 10, 20, 30, 40, 50) + at(1, 11, 21, 31, 41, 51, by="bo")
    assert estimate_handling(both).each == timedelta(minutes=10)


def test_answers_at_one_time_share_the_time_before_them() -> None:
    at_once = [one for minute in (10, 20, 30, 40, 50) for one in at(minute) * 5]
    assert estimate_handling(at(0) + at_once).each == timedelta(minutes=2)


def test_too_few_answers_are_an_assumption() -> None:
    assert estimate_handling(at(*range(LEAST))) == HandlingTime(ASSUMED, is_measured=False)
    assert estimate_handling(at(*range(0, 3000, 31))) == HandlingTime()
    assert HandlingTime().minutes(2.5) == 5.0


@given(st.lists(st.tuples(st.sampled_from(["ana", "bo"]), st.datetimes(timezones=st.just(UTC))), max_size=40))
def test_it_is_within_a_sitting_in_whatever_order(answers: list[tuple[str, datetime]]) -> None:
    found = estimate_handling(answers)
    assert timedelta(0) <= found.each <= SITTING
    assert found == estimate_handling(reversed(answers))


@pytest.mark.asyncio
async def test_an_accounts_own_answers_count(db: Database, scope: Scope, sibling_scope: Scope) -> None:
    now = utc_now()
    async with db.transaction(scope) as session:
        for minute in range(LEAST + 1):
            await session.execute(
                text("""
                    INSERT INTO approval (tenant_id, msp_id, id, subject_kind, subject_id, content_hash, policy_version,
                                          requested_by, author, state, decided_by, decided_at, expires_at, created_at,
                                          wait_id, waiting_since)
                    VALUES (:t, :m, :id, 'change', :id, decode(repeat('00', 32), 'hex'), 1, 'bo', 'bo', 'refused',
                            'ana', :at, :at, :at, :id, :at)
                """),
                {"t": scope.tenant_id, "m": scope.msp_id, "id": new_id(), "at": now + timedelta(minutes=3 * minute)},
            )
        assert await read_handling_time(session) == HandlingTime(timedelta(minutes=3), is_measured=True)
    async with db.transaction(sibling_scope) as session:
        assert await read_handling_time(session) == HandlingTime()
