"""Wake-ups run in the background, one at a time, and survive errors of a wake-up."""

import asyncio

from foundation.database.engine import Hints
from foundation.ids import new_id
from foundation.jobs.wakeups import Waker

ONE, OTHER = (new_id(), new_id()), (new_id(), new_id())


async def test_wakeups_during_a_call_are_merged() -> None:
    rings: list[Hints] = []
    go_on, second = asyncio.Event(), asyncio.Event()

    async def ring(hints: Hints) -> None:
        rings.append(hints)
        if len(rings) == 2:
            second.set()
        await go_on.wait()

    waker = Waker(ring)
    waker.wake_soon({ONE: {"a"}})
    await asyncio.sleep(0)
    waker.wake_soon({ONE: {"b"}})
    waker.wake_soon({ONE: {"c"}, OTHER: {"a"}})
    go_on.set()
    await second.wait()
    await waker.close()
    assert rings == [{ONE: {"a"}}, {ONE: {"b", "c"}, OTHER: {"a"}}]


async def test_a_failed_wakeup_is_not_the_last() -> None:
    rung: asyncio.Queue[Hints] = asyncio.Queue()

    async def ring(hints: Hints) -> None:
        rung.put_nowait(hints)
        raise RuntimeError("the bell is cracked")

    waker = Waker(ring)
    for lane in ("a", "b"):
        waker.wake_soon({ONE: {lane}})
        assert await rung.get() == {ONE: {lane}}
    await waker.close()


async def test_closing_does_not_wait_for_a_wakeup_that_hangs() -> None:
    ringing = asyncio.Event()

    async def ring(_: Hints) -> None:
        ringing.set()
        await asyncio.Event().wait()

    waker = Waker(ring)
    waker.wake_soon({ONE: {"a"}})
    await ringing.wait()
    async with asyncio.timeout(60):
        await waker.close()
