"""Lists of a source or channel that make no progress are read with growing delays, and reported."""

from collections.abc import Callable

import msgspec
import pytest
from sqlalchemy import text

from canonical.elements import STOCK
from connectors.paging import MOST_EMPTY
from connectors.poll_job import POLL, schedule_poll
from connectors.ports import KeyPage, PollPage
from foundation.clock import utc_now
from governance.baseline.start import start_baseline
from tests.governance.baseline.clients import member_scope
from tests.governance.connections.test_health_job import pass_by
from tests.governance.scripted import Answer, ScriptedCatalogue, ScriptedSource, replace_part
from tests.support.client_env import ClientEnv

_HEALTH = "SELECT last_failure_at > coalesce(last_success_at, '-infinity'), last_error FROM connection WHERE id = :c"
ENDLESS: dict[str, Callable[[ClientEnv], Answer]] = {
    "same position": lambda env: lambda cursor, n: PollPage([], "x", more=True),
    "same position with records": lambda env: lambda cursor, n: PollPage([payload(env, n)], "x", more=True),
    "two by turns": lambda env: lambda cursor, n: PollPage([payload(env, n)], "AB"[n % 2], more=True),
    "back to the beginning": lambda env: lambda cursor, n: PollPage([payload(env, n)], "", more=True),
    "empty pages": lambda env: lambda cursor, n: PollPage([], str(n), more=True),
    "same page": lambda env: lambda cursor, n: PollPage([payload(env, 1)], str(n), more=True),
}


def payload(env: ClientEnv, number: int) -> tuple[str, bytes]:
    return f"chg_{number}", msgspec.json.encode(env.change("SKU-001", STOCK, number))


async def begin(env: ClientEnv, source: ScriptedSource) -> None:
    replace_part(env, "sandbox-erp", poll=source)
    async with env.services.db.transaction(env.scope) as session:
        await schedule_poll(session, env.erp, at=utc_now())
    await env.work()


@pytest.mark.parametrize("how", ENDLESS)
async def test_a_poll_without_progress_is_stopped_and_reported(env: ClientEnv, how: str) -> None:
    source = ScriptedSource(ENDLESS[how](env))
    await begin(env, source)
    asked = len(source.asked)
    assert asked <= MOST_EMPTY + 2
    ((failing, error),) = await env.rows(_HEALTH, c=env.erp)
    assert failing
    assert "list" in str(error)
    for _ in range(8):  # the delay doubles each time
        async with env.services.db.transaction(env.scope) as session:
            await session.execute(text("UPDATE job SET ready_at = now() WHERE delayed"))
        await env.work()
    assert len(source.asked) <= asked + 8, "once each"
    assert await env.rows("SELECT attempts FROM job WHERE lane LIKE 'poll/%'") == [(9,)]
    assert await env.rows("SELECT ready_at > now() + interval '2 minutes' FROM job WHERE lane LIKE 'poll/%'") == [
        (True,)
    ]
    await pass_by(env, minutes=6)
    assert await env.rows("SELECT code FROM governance_exception WHERE state = 'open'") == [("connection.failing",)]


async def test_records_of_a_page_without_progress_are_stored_and_polling_resumes(
    env: ClientEnv,
) -> None:
    pages = [PollPage([payload(env, n)], "x", more=True) for n in (1, 2, 3)]
    pages.append(PollPage([payload(env, 4)], "y", more=False))
    source = ScriptedSource(lambda cursor, n: pages[min(n, 3)])
    await begin(env, source)
    for _ in range(3):
        async with env.services.db.transaction(env.scope) as session:
            await session.execute(text("UPDATE job SET ready_at = now() WHERE delayed"))
        await env.work()
    assert await env.rows("SELECT minor(value) FROM record_value") == [(4,)]
    assert await env.rows("SELECT count(*) FROM source_event") == [(4,)]
    assert await env.rows("SELECT cursor, progress FROM poll_cursor") == [("y", {})]
    assert (await env.rows(_HEALTH, c=env.erp))[0][0] is False
    assert await env.rows("SELECT count(*) FROM timer WHERE kind = :kind AND due_at > now()", kind=POLL.name) == [(1,)]


async def test_a_list_that_is_long_is_read_to_its_end(env: ClientEnv) -> None:
    source = ScriptedSource(lambda cursor, n: PollPage([payload(env, n)], str(n), more=n < 60))
    await begin(env, source)
    assert len(source.asked) == 61
    assert await env.rows("SELECT last_failure_at, last_error FROM connection WHERE id = :c", c=env.erp) == [
        (None, None)
    ]


@pytest.mark.parametrize("cursor", ["a\x00b", "c" * 100_000])
async def test_an_unstorable_cursor_is_reported(env: ClientEnv, cursor: str) -> None:
    source = ScriptedSource(lambda asked, n: PollPage([payload(env, n)], cursor, more=False))
    await begin(env, source)
    assert (await env.rows(_HEALTH, c=env.erp))[0][0] is True
    assert await env.rows("SELECT count(*) FROM record_value") == [(1,)]


@pytest.mark.parametrize("how", ["same position", "two by turns", "empty pages", "a total that grows"])
async def test_a_baseline_stops_at_a_catalogue_without_progress_and_reports_it(env: ClientEnv, how: str) -> None:
    pages: dict[str, Callable[[str, int], KeyPage]] = {
        "same position": lambda cursor, n: KeyPage([f"S-{n}"], "x", more=True),
        "two by turns": lambda cursor, n: KeyPage([f"S-{n}"], "AB"[n % 2], more=True),
        "empty pages": lambda cursor, n: KeyPage([], str(n), more=True),
        "a total that grows": lambda cursor, n: KeyPage(
            [f"S-{n}-{i}" for i in range(300)], str(n), more=True, total=300 * (n + 2)
        ),
    }
    catalogue = ScriptedCatalogue(pages[how])
    replace_part(env, "sandbox-shop", catalogue=catalogue)
    async with env.services.db.transaction(member_scope(env)) as session:
        baseline = await start_baseline(session, env.services.governance, now=utc_now())
    await env.work()
    assert len(catalogue.asked) <= MOST_EMPTY + 2
    part = "SELECT state, error FROM baseline_part WHERE baseline_id = :b AND connection_id = :c"
    ((state, error),) = await env.rows(part, b=baseline, c=env.channels["shop0"])
    assert state == "listing"
    assert "list" in str(error).lower()
    assert (await env.rows(_HEALTH, c=env.channels["shop0"]))[0][0] is True
    ((market,),) = await env.rows(
        "SELECT state FROM baseline_part WHERE baseline_id = :b AND connection_id = :c",
        b=baseline, c=env.channels["market1"],
    )  # fmt: skip
    assert market == "read", "one channel holds up no other"


async def test_a_baseline_stops_at_a_source_without_progress(env: ClientEnv) -> None:
    source = ScriptedSource(lambda cursor, n: PollPage([payload(env, n)], "x", more=True))
    replace_part(env, "sandbox-erp", poll=source)
    async with env.services.db.transaction(member_scope(env)) as session:
        await start_baseline(session, env.services.governance, now=utc_now())
    await env.work()
    ((attempts,),) = await env.rows("SELECT attempts FROM job")
    assert source.asked == ["", *["x"] * int(str(attempts))], "what follows is a counted retry, not another page"
    ((error,),) = await env.rows("SELECT error FROM baseline_part")
    assert error == {"code": "connector.list_stands_still", "params": {}}


async def test_records_without_a_key_are_counted_in_a_baseline(env: ClientEnv) -> None:
    page = KeyPage(["SKU-001", "S" * 300], "", more=False, unkeyed=3)
    replace_part(env, "sandbox-shop", catalogue=ScriptedCatalogue(lambda cursor, n: page))
    async with env.services.db.transaction(member_scope(env)) as session:
        await start_baseline(session, env.services.governance, now=utc_now())
    await env.work(settle=20.0)
    unkeyed = "SELECT unkeyed FROM baseline_part WHERE connection_id = :c"
    assert await env.rows(unkeyed, c=env.channels["shop0"]) == [(4,)]
